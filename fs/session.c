/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/fuse.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/role.h"
#include "base/wait.h"
#include "fs/mountpoint.h"
#include "fs/op.h"

/* linux/fuse.h: FUSE_DIRECT_IO_ALLOW_MMAP, since Linux 6.6; bit 36, so it stands in flags2. */
enum { SESSION_MMAP_OF_DIRECT = 1 << 4 };

/*
 * What is done to that which goes through the connection.
 *
 * Files are read past the kernel's page cache where the kernel can still map them: with it, a read(2) is two requests, and a content that
 * changed between them is cut to the old size. libfuse 3.14 does not know the flag; it is looked for in INIT and set in the answer.
 *
 * libfuse 3.14 asks for FUSE_PARALLEL_DIROPS but forgets it in its answer to INIT (mended in 3.17), and then the kernel sends the lookups of a
 * directory one after another. So the answer gets the flag on its way out. It is recognised by what it is: the first reply of the session, a
 * success with a body of the size and with the major version of a fuse_init_out.
 *
 * A handle is made by the thread that answers OPEN, and used by the one that reads the next request of it: the kernel stands between them, and
 * the count of answers says so to the language. Who is answered may have closed the file, and so freed the content, before writev(2) is back: the
 * kernel has taken it by then, but a sanitizer's writev() looks at it once more. So the call goes past the library.
 */
static ssize_t session_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct fs *fs = userdata;
	bool first = !atomic_exchange(&fs->init_answered, true);
	if (first && count == 2 && iov[1].iov_len >= sizeof(struct fuse_init_out)) {
		struct fuse_init_out *init = iov[1].iov_base;
		const struct fuse_out_header *header = iov[0].iov_base;
		bool is_init = header->error == 0 && init->major == FUSE_KERNEL_VERSION;
		if (is_init)
			init->flags |= FUSE_PARALLEL_DIROPS | (fs->direct_reads ? FUSE_INIT_EXT : 0);
		if (is_init && fs->direct_reads)
			init->flags2 |= SESSION_MMAP_OF_DIRECT;
	}
	atomic_fetch_add_explicit(&fs->answers, 1, memory_order_release);
	return syscall(SYS_writev, fd, iov, count);
}

static void session_look_at_init(struct fs *fs, const void *request, size_t size)
{
	const struct fuse_in_header *header = request;
	const struct fuse_init_in *init = (const void *)(header + 1);
	if (size >= sizeof *header + sizeof *init && header->opcode == FUSE_INIT)
		fs->direct_reads = init->flags & FUSE_INIT_EXT && init->flags2 & SESSION_MMAP_OF_DIRECT;
}

static ssize_t session_read(int fd, void *buffer, size_t size, void *userdata)
{
	struct fs *fs = userdata;
	ssize_t got = read(fd, buffer, size);
	if (got > 0 && !atomic_load(&fs->init_answered))
		session_look_at_init(fs, buffer, (size_t)got);
	(void)atomic_load_explicit(&fs->answers, memory_order_acquire);
	return got;
}

enum { SESSION_WAKE_MS = 20, SESSION_OPTIONS_BYTES = 256 };

/* As root with our own mount(2), so that the connection is ours to close: libfuse closes it before its threads have left it. Others than root
 * see a mount only with allow_other, and without it a shared /etc is none. */
static enum err session_mount_as_root(struct fs *fs, int *ret_fd)
{
	char options[SESSION_OPTIONS_BYTES];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other",
	         fd);
	if (fd >= 0 && mount("etcfs", fs->options.mount_point, MOUNTPOINT_TYPE, MS_NOSUID | MS_NODEV, options) == 0) {
		*ret_fd = fd;
		return ERR_OK;
	}
	log_error("mount_failed", "mount=%s error=\"%s\" remedy=\"is /dev/fuse there, and mounting allowed here?\"",
	          fs->options.mount_point, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ERR_MOUNT;
}

static enum err session_mount_as_user(struct fs *fs, int *ret_fd)
{
	if (fuse_session_mount(fs->session, fs->options.mount_point) == 0) {
		*ret_fd = fuse_session_fd(fs->session);
		return ERR_OK;
	}
	log_error("mount_failed", "mount=%s remedy=\"run as root, or install fuse3\"", fs->options.mount_point);
	return ERR_MOUNT;
}

enum err session_mount(struct fs *fs)
{
	static const struct fuse_custom_io io = {.writev = session_writev, .read = session_read};
	struct fuse_args arguments = FUSE_ARGS_INIT(0, NULL);
	bool added = fuse_opt_add_arg(&arguments, "etcfs") == 0 && fuse_opt_add_arg(&arguments, "-o") == 0 &&
	             fuse_opt_add_arg(&arguments, "fsname=etcfs,subtype=etcfs,default_permissions") == 0;
	if (added)
		fs->session = fuse_session_new(&arguments, &op_table, sizeof op_table, fs);
	fuse_opt_free_args(&arguments);
	if (!fs->session)
		return ERR_MOUNT;
	int fd = -1;
	enum err err = geteuid() == 0 ? session_mount_as_root(fs, &fd) : session_mount_as_user(fs, &fd);
	if (err == ERR_OK && fuse_session_custom_io(fs->session, &io, fd) != 0)
		err = ERR_MOUNT;
	return err;
}

/* ---- serving ---- */

static void *session_work(void *argument)
{
	struct fs *fs = argument;
	struct fuse_buf buffer = {0};
	role_take(&role_fuse);
	while (!fuse_session_exited(fs->session)) {
		int size = fuse_session_receive_buf(fs->session, &buffer);
		if (size == -EINTR || size == -EAGAIN)
			continue;
		if (size <= 0)
			break; /* 0: unmounted */
		fuse_session_process_buf(fs->session, &buffer);
	}
	free(buffer.mem);
	/* One is enough to say it: the others are told by the kernel in the same way. */
	atomic_store(&fs->gone, true);
	pthread_mutex_lock(&fs->workers_mutex);
	fs->workers_running--;
	pthread_cond_signal(&fs->worker_left);
	pthread_mutex_unlock(&fs->workers_mutex);
	return NULL;
}

static void session_woken(int signal)
{
	(void)signal;
}

enum err session_serve(struct fs *fs)
{
	/* Ends a read(2) of the connection with EINTR: see session_leave(). */
	struct sigaction wake = {.sa_handler = session_woken};
	sigaction(SIGRTMIN, &wake, NULL);
	for (; fs->worker_count < FS_WORKERS; fs->worker_count++) {
		pthread_mutex_lock(&fs->workers_mutex);
		int failed = pthread_create(&fs->workers[fs->worker_count], NULL, session_work, fs);
		fs->workers_running += failed == 0;
		pthread_mutex_unlock(&fs->workers_mutex);
		if (failed == 0)
			continue;
		log_error("thread_failed", "name=fuse error=%s", strerror(failed));
		return err_from_errno(failed);
	}
	return ERR_OK;
}

/* A mount that somebody still has open or stands in lives on, detached, and its connection with it; so the workers are told by a signal, again
 * and again, for one that comes just before their read(2) is lost. */
static void session_leave(struct fs *fs)
{
	pthread_mutex_lock(&fs->workers_mutex);
	while (fs->workers_running != 0) {
		for (size_t i = 0; i < fs->worker_count; i++)
			pthread_kill(fs->workers[i], SIGRTMIN);
		wait_until(&fs->worker_left, &fs->workers_mutex, clock_steady_ns() + SESSION_WAKE_MS * CLOCK_NS_PER_MS);
	}
	pthread_mutex_unlock(&fs->workers_mutex);
	for (size_t i = 0; i < fs->worker_count; i++)
		pthread_join(fs->workers[i], NULL);
	fs->worker_count = 0;
}

void session_unmount(struct fs *fs)
{
	if (!fs->session)
		return;
	fuse_session_exit(fs->session);
	if (geteuid() == 0 && mountpoint_is_ours(fs->options.mount_point))
		umount2(fs->options.mount_point, MNT_DETACH | UMOUNT_NOFOLLOW);
	session_leave(fs);
	fuse_session_unmount(fs->session); /* a user's */
}

void session_free(struct fs *fs)
{
	if (fs->session)
		fuse_session_destroy(fs->session);
	fs->session = NULL;
}
