package worker

import "time"

// Limits bound the resources of a job (CVE-2022-31016, CVE-2025-32387, CVE-2025-55199:
// charts and schemas that fill the memory of the server).
type Limits struct {
	Memory int64         // of the child, in bytes; above it, the child is ended
	CPU    time.Duration // of the child over all its jobs; above it, the child is ended
	Wall   time.Duration // of a job
	Output int           // of a job, in bytes
	Jobs   int           // after which the child is replaced
}

// DefaultLimits are far above real use: the largest published stacks take about 300 MiB
// and two seconds.
var DefaultLimits = Limits{
	Memory: 1 << 30,
	CPU:    60 * time.Second,
	Wall:   30 * time.Second,
	Output: 64 << 20,
	Jobs:   1000,
}

// Exit statuses of a child.
const (
	statusMemory = 90 // it ended itself because of its memory
	statusPanic  = 91 // a job panicked
	statusFatal  = 2  // the Go runtime ended it, for lack of memory or stack
)
