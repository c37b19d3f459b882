package worker

const (
	architecture = 0xc00000b7 // AUDIT_ARCH_AARCH64
	sysSeccomp   = 277
)

// deniedHere are calls that only this architecture numbers so.
var deniedHere = []uint32{
	265, // open_by_handle_at
	276, // renameat2
	281, // execveat
}
