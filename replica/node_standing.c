/* SPDX-License-Identifier: Apache-2.0 */
/* How this node and its peers stand to each other: who may be heard, whether it may promise anything itself, and when it is over. */
#include "replica/node.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "replica/roll.h"

enum { STANDING_SAY_MS = 5000 }; /* between two lines about what is waited for */

/* ---- what the others say: on the transport's threads ---- */

static bool node_was_removed(struct replica *replica, uint64_t member)
{
	bool removed = false;
	struct kv_view *view = kv_view_open(store_kv(replica->store));
	enum err err = kv_member_was_removed(view, member, &removed);
	kv_view_close(view);
	return err == ERR_OK && removed;
}

enum transport_verdict node_judge(void *argument, const Peer__Hello *hello)
{
	struct replica *replica = argument;
	if (node_was_removed(replica, hello->from))
		return TRANSPORT_REMOVED;
	uint64_t known = roll_find(replica->roll, hello->from);
	bool other = known != 0 && hello->directory != 0 && hello->directory != known;
	return other ? TRANSPORT_OTHER_DIRECTORY : TRANSPORT_WELCOME;
}

static bool node_is_initial(const struct replica *replica, uint64_t member)
{
	for (size_t i = 0; i < replica->identity.member_count; i++)
		if (replica->identity.members[i].id == member)
			return true;
	return false;
}

void node_judged(void *argument, const Peer__Hello *answer)
{
	struct replica *replica = argument;
	if (answer->verdict == TRANSPORT_REMOVED) {
		atomic_store(&replica->told, ERR_REMOVED);
	} else if (answer->verdict == TRANSPORT_OTHER_DIRECTORY) {
		atomic_store(&replica->told, ERR_WRONG_MEMBER);
	} else if (!atomic_load(&replica->confirmed) && node_is_initial(replica, answer->from)) {
		pthread_mutex_lock(&replica->facts_mutex);
		standing_answered(&replica->standing, answer->from, answer->fresh);
		pthread_mutex_unlock(&replica->facts_mutex);
	}
}

bool node_is_fresh(void *argument)
{
	struct replica *replica = argument;
	return atomic_load(&replica->shown.term) == 0 && atomic_load(&replica->shown.last_index) == 0;
}

/* A stranger of whom the configuration knows nothing cannot be counted with, and is not let fill the roll. */
bool node_speaks(void *argument, uint64_t peer, uint64_t directory)
{
	struct replica *replica = argument;
	if (directory == 0 || !node_is_member(replica, peer))
		return true;
	return roll_note(replica->roll, peer, directory) == ERR_OK;
}

/* ---- what follows: by the keeper ---- */

static void node_end(struct replica *replica, enum err verdict)
{
	atomic_store(&replica->verdict, verdict);
	atomic_store(&replica->shown.lease_until_ms, 0);
	pending_stop(replica->pending);
	barriers_stop(replica->barriers, ERR_STOPPED);
}

static void node_end_removed(struct replica *replica)
{
	replica->identity.removed = true;
	enum err err = identity_save(replica->options.data_directory, &replica->identity);
	(void)err; /* logged; the next start is told again */
	identity_say_removed(replica->options.data_directory, &replica->identity);
	node_end(replica, ERR_REMOVED);
}

static void node_end_amnesia(struct replica *replica)
{
	log_error(
	    "directory_lost",
	    "path=%s name=%s member=%016" PRIx64
	    " reason=\"this member had another data directory, and has promised with it what this one does not "
	    "know\" remedy=\"put the old directory back, or join anew with this empty one: --join URL --replace %s\"",
	    replica->options.data_directory, replica->identity.name, replica->identity.member, replica->identity.name);
	node_end(replica, ERR_WRONG_MEMBER);
}

static void node_confirm(struct replica *replica, uint64_t now_ns)
{
	size_t members = replica->identity.member_count;
	pthread_mutex_lock(&replica->facts_mutex);
	size_t heard = replica->standing.count;
	bool confirmed = standing_is_confirmed(&replica->standing, members);
	pthread_mutex_unlock(&replica->facts_mutex);
	if (confirmed) {
		replica->identity.confirmed = true;
		confirmed = identity_save(replica->options.data_directory, &replica->identity) == ERR_OK;
		replica->identity.confirmed = confirmed;
		atomic_store(&replica->confirmed, confirmed);
	} else if (now_ns - replica->standing_said_ns >= STANDING_SAY_MS * CLOCK_NS_PER_MS) {
		replica->standing_said_ns = now_ns;
		log_info(
		    "first_start",
		    "waits_for=\"the other initial members: they know whether this one was there before\" heard=%zu "
		    "members=%zu",
		    heard, members);
	}
}

void node_standing_review(struct replica *replica, uint64_t now_ns)
{
	if (atomic_load(&replica->verdict) != ERR_OK)
		return;
	int told = atomic_load(&replica->told);
	if (told == ERR_REMOVED || atomic_load(&replica->shown.removed))
		node_end_removed(replica);
	else if (told == ERR_WRONG_MEMBER)
		node_end_amnesia(replica);
	else if (!atomic_load(&replica->confirmed))
		node_confirm(replica, now_ns);
}

void node_forget_removed(struct replica *replica, const struct kv_member_list *members)
{
	uint64_t ids[2 * TRANSPORT_LINKS_MAX];
	size_t count = transport_peers(replica->transport, ids, 2 * TRANSPORT_LINKS_MAX);
	for (size_t i = 0; i < count; i++) {
		bool present = false;
		for (size_t j = 0; j < members->count && !present; j++)
			present = members->members[j].id == ids[i];
		if (present || !node_was_removed(replica, ids[i]))
			continue;
		transport_forget(replica->transport, ids[i]);
		roll_forget(replica->roll, ids[i]);
	}
}
