/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/stack_fibre.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <ucontext.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/wait.h"
#include "tests/sim/stack_world.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define __sanitizer_start_switch_fiber(save, bottom, size) ((void)(save))
#define __sanitizer_finish_switch_fiber(save, bottom, size) ((void)(save))
#define __asan_unpoison_memory_region(address, size) ((void)(address))
#endif

struct stack {
	SLIST_ENTRY(stack) next;
	uint8_t *bottom;
};

struct fibre {
	TAILQ_ENTRY(fibre) in_all, in_waiters;
	unsigned node;
	pthread_t id;      /* never given twice */
	uint64_t wait;     /* grows each time that it waits */
	const void *place; /* where it waits to be woken: a mutex, a condition or a fibre; NULL: it does not */
	bool woken;        /* not by its deadline */
	bool ended;
	unsigned held; /* mutexes */
	ucontext_t context;
	struct stack *stack;
	void *fake_stack; /* the sanitizer's */
	void *(*run)(void *argument);
	void *argument;
};
TAILQ_HEAD(fibre_list, fibre);

static struct fibre_list fibre_all = TAILQ_HEAD_INITIALIZER(fibre_all);
static struct fibre_list fibre_waiters = TAILQ_HEAD_INITIALIZER(fibre_waiters); /* the longest waiting first */
static SLIST_HEAD(, stack) fibre_stacks = SLIST_HEAD_INITIALIZER(fibre_stacks);
static struct fibre *fibre_running;
static ucontext_t fibre_main;
static void *fibre_main_fake_stack; /* the sanitizer's, as the next two */
__attribute__((unused)) static const void *fibre_main_bottom;
__attribute__((unused)) static size_t fibre_main_size;
static size_t fibre_count, fibre_mutex_waiters;

struct fibre *fibre_self(void)
{
	return fibre_running;
}

unsigned fibre_node(const struct fibre *fibre)
{
	return fibre->node;
}

/* ---- stacks ---- */

static struct stack *stack_take(void)
{
	struct stack *stack = SLIST_FIRST(&fibre_stacks);
	if (stack != NULL) {
		SLIST_REMOVE_HEAD(&fibre_stacks, next);
		__asan_unpoison_memory_region(stack->bottom, FIBRE_STACK_BYTES);
		return stack;
	}
	stack = memory_new(sizeof *stack);
	stack->bottom = mmap(NULL, FIBRE_STACK_BYTES, PROT_READ | PROT_WRITE,
	                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	check(stack->bottom != MAP_FAILED);
	int failed = mprotect(stack->bottom, 4096, PROT_NONE); /* running over it is seen */
	check(failed == 0);
	return stack;
}

void fibre_fini(void)
{
	struct stack *stack;
	check(TAILQ_EMPTY(&fibre_all));
	while ((stack = SLIST_FIRST(&fibre_stacks)) != NULL) {
		SLIST_REMOVE_HEAD(&fibre_stacks, next);
		munmap(stack->bottom, FIBRE_STACK_BYTES);
		free(stack);
	}
}

/* ---- switching ---- */

/* Back to the simulator. */
static void fibre_leave(struct fibre *fibre)
{
	fibre_running = NULL;
	__sanitizer_start_switch_fiber(fibre->ended ? NULL : &fibre->fake_stack, fibre_main_bottom, fibre_main_size);
	int failed = swapcontext(&fibre->context, &fibre_main);
	check(failed == 0);
	__sanitizer_finish_switch_fiber(fibre->fake_stack, &fibre_main_bottom, &fibre_main_size);
}

static void fibre_begin(void)
{
	struct fibre *fibre = fibre_running;
	__sanitizer_finish_switch_fiber(NULL, &fibre_main_bottom, &fibre_main_size);
	fibre->run(fibre->argument);
	fibre_end();
}

static void fibre_free(struct fibre *fibre)
{
	TAILQ_REMOVE(&fibre_all, fibre, in_all);
	SLIST_INSERT_HEAD(&fibre_stacks, fibre->stack, next);
	fibre_count--;
	free(fibre);
}

static void fibre_enter(struct fibre *fibre)
{
	fibre_running = fibre;
	__sanitizer_start_switch_fiber(&fibre_main_fake_stack, fibre->stack->bottom, FIBRE_STACK_BYTES);
	int failed = swapcontext(&fibre_main, &fibre->context);
	check(failed == 0);
	__sanitizer_finish_switch_fiber(fibre_main_fake_stack, NULL, NULL);
	if (fibre->ended)
		fibre_free(fibre);
}

static void fibre_plan(struct fibre *fibre, uint64_t in_us)
{
	world_plan_fibre(fibre->node, in_us, (uint64_t)fibre->id, fibre->wait);
}

static struct fibre *fibre_find(pthread_t id)
{
	struct fibre *fibre;
	TAILQ_FOREACH(fibre, &fibre_all, in_all)
	{
		if (fibre->id == id)
			return fibre;
	}
	return NULL;
}

void fibre_resume(uint64_t id, uint64_t wait)
{
	check(fibre_running == NULL);
	struct fibre *fibre = fibre_find((pthread_t)id);
	if (fibre == NULL || fibre->wait != wait)
		return;
	if (fibre->place != NULL) /* its deadline came first */
		TAILQ_REMOVE(&fibre_waiters, fibre, in_waiters);
	fibre->place = NULL;
	fibre_enter(fibre);
}

struct fibre *fibre_start(unsigned node, void *(*run)(void *argument), void *argument)
{
	static pthread_t ids;
	struct fibre *fibre = memory_new(sizeof *fibre);
	check(fibre_count < FIBRE_COUNT_MAX);
	fibre_count++;
	*fibre = (struct fibre){.node = node, .run = run, .argument = argument, .id = ++ids};
	fibre->stack = stack_take();
	getcontext(&fibre->context);
	fibre->context.uc_stack.ss_sp = fibre->stack->bottom;
	fibre->context.uc_stack.ss_size = FIBRE_STACK_BYTES;
	makecontext(&fibre->context, fibre_begin, 0);
	TAILQ_INSERT_TAIL(&fibre_all, fibre, in_all);
	fibre_plan(fibre, world_below(FIBRE_DELAY_US));
	return fibre;
}

/* ---- waiting and waking ---- */

/* Until it is woken at that place (true), or the deadline has come. NULL: nobody wakes it. */
static bool fibre_wait(const void *place, uint64_t until_us)
{
	struct fibre *fibre = fibre_running;
	check(fibre != NULL); /* the simulator itself must never wait */
	fibre->wait++;
	fibre->place = place;
	fibre->woken = false;
	if (place != NULL)
		TAILQ_INSERT_TAIL(&fibre_waiters, fibre, in_waiters);
	if (until_us != UINT64_MAX)
		fibre_plan(fibre, until_us > world_now_us() ? until_us - world_now_us() : 0);
	fibre_leave(fibre);
	return fibre->woken;
}

static bool fibre_wake_one(const void *place)
{
	struct fibre *fibre;
	TAILQ_FOREACH(fibre, &fibre_waiters, in_waiters)
	{
		if (fibre->place != place)
			continue;
		TAILQ_REMOVE(&fibre_waiters, fibre, in_waiters);
		fibre->place = NULL;
		fibre->woken = true;
		fibre->wait++; /* its deadline does not matter any more */
		fibre_plan(fibre, world_below(FIBRE_DELAY_US));
		return true;
	}
	return false;
}

void fibre_sleep_us(uint64_t us)
{
	fibre_wait(NULL, world_now_us() + us);
}

void fibre_end(void)
{
	struct fibre *fibre = fibre_running;
	while (fibre_wake_one(fibre)) {
	}
	fibre->ended = true;
	fibre_leave(fibre);
	abort();
}

void fibre_kill_node(unsigned node)
{
	struct fibre *fibre, *after;
	check(fibre_running == NULL);
	for (fibre = TAILQ_FIRST(&fibre_all); fibre != NULL; fibre = after) {
		after = TAILQ_NEXT(fibre, in_all);
		if (fibre->node != node)
			continue;
		if (fibre->place != NULL)
			TAILQ_REMOVE(&fibre_waiters, fibre, in_waiters);
		fibre_free(fibre);
	}
}

/* ---- in place of pthread.h and base/wait.h ---- */

int __real_pthread_mutex_trylock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int __wrap_pthread_join(pthread_t thread, void **result);
pthread_t __wrap_pthread_self(void);
int __wrap_pthread_setname_np(pthread_t thread, const char *name);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int __wrap_pthread_cond_signal(pthread_cond_t *cond);
int __wrap_pthread_cond_broadcast(pthread_cond_t *cond);

/* A killed one may still be counted, which costs a look. */
static void fibre_lock(pthread_mutex_t *mutex)
{
	while (__real_pthread_mutex_trylock(mutex) != 0) {
		fibre_mutex_waiters++;
		fibre_wait(mutex, UINT64_MAX);
		fibre_mutex_waiters--;
	}
	if (fibre_running != NULL)
		fibre_running->held++;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
	(void)attributes;
	*thread = fibre_start(world_node(), run, argument)->id;
	return 0;
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
	(void)result;
	const struct fibre *fibre = fibre_find(thread);
	if (fibre != NULL)
		fibre_wait(fibre, UINT64_MAX);
	return 0;
}

pthread_t __wrap_pthread_self(void)
{
	return fibre_running != NULL ? fibre_running->id : 0;
}

int __wrap_pthread_setname_np(pthread_t thread, const char *name)
{
	(void)thread;
	(void)name;
	return 0;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
	if (fibre_running != NULL && fibre_running->held == 0 && world_chance(FIBRE_YIELD_PPM))
		fibre_sleep_us(world_below(FIBRE_DELAY_US));
	fibre_lock(mutex);
	return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	int failed = __real_pthread_mutex_unlock(mutex);
	if (fibre_running != NULL)
		fibre_running->held--;
	if (fibre_mutex_waiters != 0)
		fibre_wake_one(mutex);
	return failed;
}

int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	__wrap_pthread_mutex_unlock(mutex);
	fibre_wait(cond, UINT64_MAX);
	fibre_lock(mutex);
	return 0;
}

int __wrap_pthread_cond_signal(pthread_cond_t *cond)
{
	fibre_wake_one(cond);
	return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *cond)
{
	while (fibre_wake_one(cond)) {
	}
	return 0;
}

void wait_cond_init(pthread_cond_t *cond)
{
	pthread_cond_init(cond, NULL);
}

bool wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline_ns)
{
	if (deadline_ns != UINT64_MAX && clock_steady_ns() >= deadline_ns)
		return false;
	uint64_t until_us = deadline_ns != UINT64_MAX ? world_us_of(world_node(), deadline_ns) : UINT64_MAX;
	__wrap_pthread_mutex_unlock(mutex);
	bool woken = fibre_wait(cond, until_us);
	fibre_lock(mutex);
	return woken;
}
