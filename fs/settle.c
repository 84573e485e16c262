/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/settle.h"

#include "fs/call.h"
#include "fs/names.h"
#include "fs/stage.h"

static void settle_resume(struct call *call, int error)
{
	if (error != 0)
		call_finish(call, error);
	else
		call_run(call);
}

static bool settle_node(struct call *call, struct node *node)
{
	struct stage *stage = node_get_stage(call->fs->nodes, node);
	if (!stage)
		return false;
	call->resume = settle_resume;
	return stage_commit(stage, call);
}

static bool settle_name(struct call *call, struct node *parent, const char *name)
{
	if (!parent || !name)
		return false;
	struct name_meaning meaning = name_parse(name, &call->arena);
	if (meaning.kind != NAME_ORDINARY)
		return false;
	struct node_table *nodes = call->fs->nodes;
	struct node *child = node_find_child(nodes, parent, meaning.segment, false);
	bool waits = child && settle_node(call, child);
	node_unpin(nodes, child);
	if (waits || child)
		return waits;
	/* The name is a directory's: it is not empty if a file is staged in it. */
	struct node *directory = node_find_child(nodes, parent, meaning.segment, true), *staged;
	if (directory && node_staged_in(nodes, directory, &staged, 1) == 1) {
		waits = settle_node(call, staged);
		node_unpin(nodes, staged);
	}
	node_unpin(nodes, directory);
	return waits;
}

bool settle_waits(struct call *call)
{
	if (call->kind->settles == CALL_SETTLES_NODE)
		return settle_node(call, call->nodes[0]);
	struct node *new_parent = call->nodes[1] ? call->nodes[1] : call->nodes[0];
	return settle_name(call, call->nodes[0], call->name) || settle_name(call, new_parent, call->new_name);
}
