package worker

import "time"

// Limits are what a job may take (CVE-2022-31016, CVE-2025-32387,
// CVE-2025-55199: charts and schemas that fill the memory of the server).
type Limits struct {
	Memory int64         // of the child, in bytes; it is ended above it
	CPU    time.Duration // of the child over all its jobs; it is ended above it
	Wall   time.Duration // of a job
	Output int           // of a job, in bytes
	Jobs   int           // after which the child is replaced
}

// DefaultLimits are far above what people render: the largest published stacks
// take about 300 MiB and two seconds.
var DefaultLimits = Limits{
	Memory: 1 << 30,
	CPU:    60 * time.Second,
	Wall:   30 * time.Second,
	Output: 64 << 20,
	Jobs:   1000,
}

// Exit statuses of a child.
const (
	statusMemory = 90 // it ended itself for its memory
	statusPanic  = 91 // a job panicked
	statusFatal  = 2  // the Go runtime ended it, for a lack of memory or stack
)
