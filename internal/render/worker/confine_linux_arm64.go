package worker

const (
	architecture = 0xc00000b7 // AUDIT_ARCH_AARCH64
	sysSeccomp   = 277
)

// deniedHere are calls that only this architecture numbers so.
var deniedHere = []uint32{
	265, 276, 281, // open_by_handle_at, renameat2, execveat
	268, 270, 271, 272, // setns, process_vm_readv, process_vm_writev, kcmp
	273, 274, 294, // finit_module, sched_setattr, kexec_file_load
	280, 282, // bpf, userfaultfd
}
