package worker

import "syscall"

const (
	architecture = 0xc000003e // AUDIT_ARCH_X86_64
	sysSeccomp   = 317
)

// deniedHere are calls that only this architecture has, or numbers so.
var deniedHere = []uint32{
	syscall.SYS_OPEN, syscall.SYS_CREAT, syscall.SYS_MKDIR, syscall.SYS_MKNOD, syscall.SYS_UNLINK, syscall.SYS_RMDIR,
	syscall.SYS_RENAME, syscall.SYS_LINK, syscall.SYS_SYMLINK, syscall.SYS_CHMOD, syscall.SYS_CHOWN, syscall.SYS_LCHOWN,
	syscall.SYS_FORK, syscall.SYS_VFORK,
	304, // open_by_handle_at
	316, // renameat2
	322, // execveat
}
