/* SPDX-License-Identifier: Apache-2.0 */
/*
 * etcfs edit: a copy of a file or a directory, an editor, and what has become of the copy as one revision, unless somebody else has changed it meanwhile.
 *
 *     fetched ── editor ──> read back ── applied ──> the copy is removed
 *                  └────────────┴───────────┴─ failed ──> the copy is kept, and named
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proto.h"
#include "cli/client.h"
#include "cli/local.h"
#include "cli/tree_client.h"
#include "cli/trees.h"

enum { EDIT_WORDS_MAX = 32 /* of $EDITOR */ };

struct edit {
	const struct invocation *invocation;
	struct arena *arena;
	struct bytes path; /* without a '/' at its end */
	struct tree_listing listing;
	char folder[256]; /* the copy's */
	const char *copy; /* what is edited in it */
	bool is_directory;
	uint32_t mode; /* of a file */
};

static enum cli_exit edit_fail(const struct edit *edit, const char *what)
{
	return command_fail(EXIT_FAILED, "%s: %s", what, strerror(errno));
}

/* ---- the copy ---- */

static struct bytes edit_base_name(struct bytes path)
{
	const uint8_t *slash = memrchr(path.data, '/', path.size);
	return slash != NULL ? bytes_from(path, (size_t)(slash - path.data) + 1) : path;
}

static enum cli_exit edit_make_folder(struct edit *edit)
{
	const char *temporary = getenv("TMPDIR");
	int size = snprintf(edit->folder, sizeof edit->folder, "%s/etcfs-edit.XXXXXX",
	                    temporary != NULL && temporary[0] != '\0' ? temporary : "/tmp");
	if (size >= (int)sizeof edit->folder)
		errno = ENAMETOOLONG;
	return size < (int)sizeof edit->folder && mkdtemp(edit->folder) != NULL ? EXIT_OK
	                                                                        : edit_fail(edit, edit->folder);
}

static enum cli_exit edit_write_entry(struct edit *edit, const Etcfs__Control__TreeEntry *entry, struct bytes name)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct local_file file = {.name = name, .mode = entry->mode};
	enum cli_exit status = EXIT_OK;
	if (!S_ISDIR(entry->mode))
		status = tree_content(edit->invocation, entry->key, edit->listing.revision, &arena, &file.content);
	return status == EXIT_OK ? local_write(edit->folder, &file, &arena) : status;
}

/* Names begin with the path's last one, so that the editor shows it. */
static enum cli_exit edit_write(struct edit *edit)
{
	struct bytes base = edit->path.size != 0 ? edit_base_name(edit->path) : BYTES_LITERAL("root");
	enum cli_exit status = EXIT_OK;
	edit->copy = arena_format(edit->arena, "%s/%.*s", edit->folder, (int)base.size, (const char *)base.data);
	if (edit->listing.count == 0)
		return local_write(edit->folder, &(struct local_file){.name = base, .mode = edit->mode}, edit->arena);
	for (size_t at = 0; at < edit->listing.count && status == EXIT_OK; at++) {
		const Etcfs__Control__TreeEntry *entry = edit->listing.entries[at];
		struct bytes rest = bytes_from(proto_bytes(entry->key), edit->path.size);
		const char *name = arena_format(edit->arena, "%.*s%s", (int)base.size, (const char *)base.data,
		                                arena_dup_string(edit->arena, rest));
		status = edit_write_entry(edit, entry, bytes_of_string(name));
	}
	return status;
}

/* What it is that is edited: nothing yet, a file, or a directory. */
static enum cli_exit edit_look(struct edit *edit)
{
	const struct tree_listing *listing = &edit->listing;
	const char *word = edit->invocation->arguments[0];
	edit->mode = S_IFREG | 0644;
	if (listing->count == 0 && word[strlen(word) - 1] == '/')
		return command_fail(EXIT_NOT_FOUND, "there is no directory %s", word);
	if (listing->count == 0)
		return EXIT_OK;
	bool has_file = listing->entries[0]->key.len == edit->path.size;
	edit->is_directory = !has_file;
	if (has_file && listing->count > 1)
		return command_fail(EXIT_FAILED, "%s is a file and a directory at once: it cannot be edited", word);
	if (has_file && !S_ISREG(listing->entries[0]->mode))
		return command_fail(EXIT_FAILED, "%s is neither a file nor a directory", word);
	if (has_file)
		edit->mode = listing->entries[0]->mode;
	return EXIT_OK;
}

/* ---- the editor ---- */

static void edit_run_editor(const struct edit *edit, char *editor)
{
	char *words[EDIT_WORDS_MAX + 2];
	size_t count = 0;
	for (char *word; (word = strsep(&editor, " \t")) != NULL && count < EDIT_WORDS_MAX;)
		if (word[0] != '\0')
			words[count++] = word;
	words[count++] = (char *)edit->copy;
	words[count] = NULL;
	execvp(words[0], words);
	command_fail(EXIT_FAILED, "the editor cannot be started: %s: %s; set EDITOR", words[0], strerror(errno));
	_exit(127);
}

static enum cli_exit edit_wait_for_editor(const struct edit *edit)
{
	const char *editor = getenv("VISUAL");
	int status = 0;
	if (editor == NULL || editor[0] == '\0')
		editor = getenv("EDITOR");
	if (editor == NULL || editor[strspn(editor, " \t")] == '\0')
		editor = "vi";
	char *words = arena_dup_string(edit->arena, bytes_of_string(editor));
	fflush(stdout);
	pid_t child = fork();
	if (child < 0)
		return edit_fail(edit, "fork");
	if (child == 0)
		edit_run_editor(edit, words);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return edit_fail(edit, "waitpid");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return EXIT_OK;
	return command_fail(EXIT_FAILED, "the editor ended with an error: nothing was changed");
}

/* ---- all of it ---- */

static enum cli_exit edit_apply(const struct edit *edit)
{
	Etcfs__Control__ApplyRequest request = ETCFS__CONTROL__APPLY_REQUEST__INIT;
	enum cli_exit status = local_read(edit->copy, edit->arena, &request);
	if (status != EXIT_OK)
		return status;
	if (!edit->is_directory && (request.n_files != 1 || !S_ISREG(request.files[0]->mode)))
		return command_fail(EXIT_FAILED, "%s is not a file any more", edit->copy);
	if (!edit->is_directory)
		request.files[0]->mode = edit->mode; /* what an editor makes of the copy's mode says nothing */
	request.path = proto_data(edit->path);
	request.remove = true;
	request.base_revision = edit->listing.revision;
	return trees_apply(edit->invocation, &request, edit->arena);
}

static enum cli_exit edit_in_folder(struct edit *edit)
{
	enum cli_exit status = edit_write(edit);
	if (status == EXIT_OK)
		status = edit_wait_for_editor(edit);
	if (status == EXIT_OK)
		status = edit_apply(edit);
	if (status != EXIT_OK)
		return command_fail(status, "the copy is kept: %s", edit->copy);
	if (file_remove_tree(edit->folder) != ERR_OK)
		fprintf(stderr, "etcfs: %s cannot be removed\n", edit->folder);
	return EXIT_OK;
}

enum cli_exit command_edit(const struct invocation *invocation, struct arena *arena)
{
	struct edit edit = {.invocation = invocation, .arena = arena};
	edit.path = bytes_of_string(invocation->arguments[0]);
	enum cli_exit status = tree_list(invocation, invocation->arguments[0], NULL, arena, &edit.listing);
	if (status != EXIT_OK)
		return status;
	if (edit.path.data[edit.path.size - 1] == '/')
		edit.path.size--;
	status = edit_look(&edit);
	if (status == EXIT_OK)
		status = edit_make_folder(&edit);
	return status == EXIT_OK ? edit_in_folder(&edit) : status;
}
