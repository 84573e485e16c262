/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/fuse.h>

#include "base/log.h"
#include "base/role.h"
#include "fs/op.h"

/*
 * libfuse 3.14 asks for FUSE_PARALLEL_DIROPS but forgets it in its answer to INIT (mended in 3.17), and then the kernel sends the lookups of a
 * directory one after another. So the answer gets the flag on its way out. It is recognised by what it is: the first reply of the session, a
 * success with a body of the size and with the major version of a fuse_init_out.
 */
static ssize_t session_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct fs *fs = userdata;
	bool first = !atomic_exchange(&fs->init_answered, true);
	if (first && count == 2 && iov[1].iov_len >= sizeof(struct fuse_init_out)) {
		struct fuse_init_out *init = iov[1].iov_base;
		const struct fuse_out_header *header = iov[0].iov_base;
		if (header->error == 0 && init->major == FUSE_KERNEL_VERSION)
			init->flags |= FUSE_PARALLEL_DIROPS;
	}
	return writev(fd, iov, count);
}

static ssize_t session_read(int fd, void *buffer, size_t size, void *userdata)
{
	(void)userdata;
	return read(fd, buffer, size);
}

static enum err session_arguments(struct fs *fs, struct fuse_args *arguments)
{
	/* Others than root see the mount only with allow_other; without it a shared /etc is none. */
	const char *options = geteuid() == 0 ? "fsname=etcfs,subtype=etcfs,default_permissions,allow_other"
	                                     : "fsname=etcfs,subtype=etcfs,default_permissions";
	if (fuse_opt_add_arg(arguments, "etcfs") == 0 && fuse_opt_add_arg(arguments, "-o") == 0 &&
	    fuse_opt_add_arg(arguments, options) == 0)
		return ERR_OK;
	return ERR_MOUNT;
}

enum err session_mount(struct fs *fs)
{
	static const struct fuse_custom_io io = {.writev = session_writev, .read = session_read};
	struct fuse_args arguments = FUSE_ARGS_INIT(0, NULL);
	enum err err = session_arguments(fs, &arguments);
	if (err == ERR_OK)
		fs->session = fuse_session_new(&arguments, &op_table, sizeof op_table, fs);
	fuse_opt_free_args(&arguments);
	if (!fs->session || fuse_session_mount(fs->session, fs->options.mount_point) != 0) {
		log_error("mount_failed", "mount=%s remedy=\"run as root, or install fuse3; is /dev/fuse there?\"",
		          fs->options.mount_point);
		return ERR_MOUNT;
	}
	if (fuse_session_custom_io(fs->session, &io, fuse_session_fd(fs->session)) != 0)
		log_warn("parallel_lookups_off", "mount=%s", fs->options.mount_point);
	return ERR_OK;
}

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
	return NULL;
}

enum err session_serve(struct fs *fs)
{
	for (; fs->worker_count < FS_WORKERS; fs->worker_count++) {
		int failed = pthread_create(&fs->workers[fs->worker_count], NULL, session_work, fs);
		if (failed == 0)
			continue;
		log_error("thread_failed", "name=fuse error=%s", strerror(failed));
		return err_from_errno(failed);
	}
	return ERR_OK;
}

void session_unmount(struct fs *fs)
{
	if (!fs->session)
		return;
	fuse_session_exit(fs->session);
	fuse_session_unmount(fs->session);
	for (size_t i = 0; i < fs->worker_count; i++)
		pthread_join(fs->workers[i], NULL);
	fs->worker_count = 0;
}

void session_free(struct fs *fs)
{
	if (fs->session)
		fuse_session_destroy(fs->session);
	fs->session = NULL;
}
