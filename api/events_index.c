/* SPDX-License-Identifier: Apache-2.0 */
#include "api/events_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

/* Invariants: in the order of (start, end) from left to right; no child's priority is above its parent's; furthest is the node
 * of the furthest end among this one and all below it. */
struct events_node {
	struct events_node *left, *right;
	const struct events_node *furthest;
	uint64_t priority;
	struct bytes start, end; /* [start, end), in one block of memory */
	bool is_open;            /* there is no end */
	LIST_HEAD(, events_span) spans;
};

/* ---- order ---- */

static int events_compare_ends(const struct events_node *left, const struct events_node *right)
{
	if (left->is_open || right->is_open)
		return (int)left->is_open - (int)right->is_open;
	return bytes_compare(left->end, right->end);
}

static int events_compare(const struct events_node *left, const struct events_node *right)
{
	int order = bytes_compare(left->start, right->start);
	return order != 0 ? order : events_compare_ends(left, right);
}

static bool events_ends_after(const struct events_node *node, struct bytes key)
{
	return node->is_open || bytes_compare(key, node->end) < 0;
}

/* ---- the treap ---- */

static struct events_node *events_updated(struct events_node *node)
{
	node->furthest = node;
	if (node->left != NULL && events_compare_ends(node->left->furthest, node->furthest) > 0)
		node->furthest = node->left->furthest;
	if (node->right != NULL && events_compare_ends(node->right->furthest, node->furthest) > 0)
		node->furthest = node->right->furthest;
	return node;
}

/* What is before `at`, and what is after it. */
static void events_split(struct events_node *root, const struct events_node *at, struct events_node **ret_before,
                         struct events_node **ret_after)
{
	if (root == NULL) {
		*ret_before = *ret_after = NULL;
	} else if (events_compare(root, at) < 0) {
		events_split(root->right, at, &root->right, ret_after);
		*ret_before = events_updated(root);
	} else {
		events_split(root->left, at, ret_before, &root->left);
		*ret_after = events_updated(root);
	}
}

static struct events_node *events_merge(struct events_node *before, struct events_node *after)
{
	if (before == NULL || after == NULL)
		return before != NULL ? before : after;
	if (before->priority > after->priority) {
		before->right = events_merge(before->right, after);
		return events_updated(before);
	}
	after->left = events_merge(before, after->left);
	return events_updated(after);
}

static struct events_node *events_insert(struct events_node *root, struct events_node *node)
{
	if (root == NULL)
		return events_updated(node);
	if (node->priority > root->priority) {
		events_split(root, node, &node->left, &node->right);
		return events_updated(node);
	}
	if (events_compare(node, root) < 0)
		root->left = events_insert(root->left, node);
	else
		root->right = events_insert(root->right, node);
	return events_updated(root);
}

static struct events_node *events_delete(struct events_node *root, const struct events_node *node)
{
	check(root != NULL);
	if (root == node)
		return events_merge(root->left, root->right);
	if (events_compare(node, root) < 0)
		root->left = events_delete(root->left, node);
	else
		root->right = events_delete(root->right, node);
	return events_updated(root);
}

static struct events_node *events_find(struct events_node *root, const struct events_node *like)
{
	while (root != NULL) {
		int order = events_compare(like, root);
		if (order == 0)
			break;
		root = order < 0 ? root->left : root->right;
	}
	return root;
}

/* ---- spans ---- */

static struct events_node *events_node_new(const struct kv_range *range)
{
	bool is_single = range->end.size == 0, is_open = range->end.size == 1 && range->end.data[0] == 0;
	/* The first key after k is k and a zero byte. */
	size_t end_size = is_single ? range->start.size + 1 : range->end.size;
	struct events_node *node = memory_new(sizeof *node + range->start.size + end_size);
	uint8_t *start = (uint8_t *)(node + 1), *end = start + range->start.size;
	if (range->start.size != 0)
		memcpy(start, range->start.data, range->start.size);
	if (!is_single)
		memcpy(end, range->end.data, end_size);
	else if (range->start.size != 0)
		memcpy(end, range->start.data, range->start.size);
	node->start = bytes_of(start, range->start.size);
	node->end = bytes_of(end, end_size);
	node->is_open = is_open;
	LIST_INIT(&node->spans);
	return node;
}

void events_index_init(struct events_index *index)
{
	*index = (struct events_index){0};
	random_init(&index->random, random_from_system()); /* whoever chooses the spans does not choose the shape */
}

void events_index_fini(struct events_index *index)
{
	check(index->root == NULL && index->count == 0);
}

void events_index_add(struct events_index *index, struct events_span *span, const struct kv_range *range)
{
	struct events_node *node = events_node_new(range), *known = events_find(index->root, node);
	if (known != NULL) {
		free(node);
		node = known;
	} else {
		node->priority = random_next(&index->random);
		index->root = events_insert(index->root, node);
		index->count++;
	}
	span->node = node;
	LIST_INSERT_HEAD(&node->spans, span, next);
}

void events_index_remove(struct events_index *index, struct events_span *span)
{
	struct events_node *node = span->node;
	LIST_REMOVE(span, next);
	span->node = NULL;
	if (!LIST_EMPTY(&node->spans))
		return;
	index->root = events_delete(index->root, node);
	index->count--;
	free(node);
}

static void events_visit(const struct events_node *node, struct bytes key,
                         void (*found)(struct events_span *span, void *argument), void *argument)
{
	while (node != NULL && events_ends_after(node->furthest, key)) {
		events_visit(node->left, key, found, argument);
		if (bytes_compare(node->start, key) > 0)
			return; /* and so does all to the right begin */
		struct events_span *span;
		if (events_ends_after(node, key))
			LIST_FOREACH(span, &node->spans, next)
		found(span, argument);
		node = node->right;
	}
}

void events_index_visit(const struct events_index *index, struct bytes key,
                        void (*found)(struct events_span *span, void *argument), void *argument)
{
	events_visit(index->root, key, found, argument);
}
