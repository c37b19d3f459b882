package worker

import "syscall"

const (
	architecture = 0xc000003e // AUDIT_ARCH_X86_64
	sysSeccomp   = 317
)

// deniedHere are calls that only this architecture has, or that it numbers differently.
var deniedHere = []uint32{
	syscall.SYS_OPEN, syscall.SYS_CREAT, syscall.SYS_MKDIR, syscall.SYS_MKNOD, syscall.SYS_UNLINK, syscall.SYS_RMDIR,
	syscall.SYS_RENAME, syscall.SYS_LINK, syscall.SYS_SYMLINK, syscall.SYS_CHMOD, syscall.SYS_CHOWN, syscall.SYS_LCHOWN,
	syscall.SYS_FORK, syscall.SYS_VFORK, syscall.SYS_UTIME, syscall.SYS_UTIMES, syscall.SYS_FUTIMESAT,
	304, 316, 322, // open_by_handle_at, renameat2, execveat
	308, 310, 311, 312, // setns, process_vm_readv, process_vm_writev, kcmp
	313, 314, 320, // finit_module, sched_setattr, kexec_file_load
	321, 323, // bpf, userfaultfd
}
