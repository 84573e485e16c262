/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thread roles. Every thread takes one role when it starts; a function that belongs to a role says so in its
 * header with ON_…_THREAD and asserts it with role_check(). clang's thread-safety analysis checks the
 * declarations at build time; gcc ignores them.
 */
#pragma once

enum role {
	ROLE_NONE,   /* a thread that was given none: tests, main before the start */
	ROLE_MAIN,   /* configuration, signals, shutdown */
	ROLE_RAFT,   /* owns the raft core */
	ROLE_LOG,    /* appends to the raft log and syncs it */
	ROLE_APPLY,  /* applies entries and publishes changes */
	ROLE_API,    /* event loop of clients */
	ROLE_FUSE,   /* handles requests of the kernel */
	ROLE_NOTIFY, /* tells the kernel and the helper of changes */
};

#if defined(__clang__)
#define ROLE_CAPABILITY __attribute__((capability("role")))
#define ROLE_REQUIRES(role) __attribute__((requires_capability(role)))
#define ROLE_ASSERTS(role) __attribute__((assert_capability(role)))
#else
#define ROLE_CAPABILITY
#define ROLE_REQUIRES(role)
#define ROLE_ASSERTS(role)
#endif

struct ROLE_CAPABILITY role_token {
	enum role role;
};
extern struct role_token role_raft, role_log, role_apply, role_api, role_fuse, role_notify, role_main;

#define ON_RAFT_THREAD ROLE_REQUIRES(role_raft)
#define ON_LOG_THREAD ROLE_REQUIRES(role_log)
#define ON_APPLY_THREAD ROLE_REQUIRES(role_apply)
#define ON_API_THREAD ROLE_REQUIRES(role_api)
#define ON_FUSE_THREAD ROLE_REQUIRES(role_fuse)
#define ON_NOTIFY_THREAD ROLE_REQUIRES(role_notify)
#define ON_MAIN_THREAD ROLE_REQUIRES(role_main)
#define ON_ANY_THREAD

/* Names the calling thread (as in `ps -T`) and gives it its role. Once per thread. */
void role_take(struct role_token *token);
/* Ends the process if the calling thread has another role; a thread without a role (a test) passes. */
void role_check(struct role_token *token) ROLE_ASSERTS(*token);
