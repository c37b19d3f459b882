package backup

import (
	"io"
	"runtime"
)

const (
	// blockSize is how much behind passes on at a time, in bytes.
	blockSize = 1 << 20
	// blocks is how many of them may wait. Two let one be filled while the other is
	// written; more bridge the opening of many small files.
	blocks = 4
)

// behind is a writer that returns before its bytes are written: a backup reads and hashes
// files while the disk, or the encryption of SSH, is at the ones before.
type behind struct {
	block []byte          // being filled
	full  chan []byte     // to be written, in order
	empty chan []byte     // to be filled again
	ended <-chan struct{} // everything in full is written, or failed
	err   error           // of the writer; to be read once ended is closed or failed has a value
	fails chan struct{}   // closed with the first error
}

// newBehind returns a writer to w. Its close must be called.
func newBehind(w io.Writer) *behind {
	b := &behind{
		block: make([]byte, 0, blockSize), full: make(chan []byte, blocks), empty: make(chan []byte, blocks),
		fails: make(chan struct{}),
	}
	for range blocks - 1 {
		b.empty <- make([]byte, 0, blockSize)
	}
	b.ended = aside(func() { b.pass(w) })
	return b
}

// pass writes blocks until close, or until the writer fails; then it lets the others go.
func (b *behind) pass(w io.Writer) {
	for block := range b.full {
		if b.err == nil {
			if _, b.err = w.Write(block); b.err != nil {
				close(b.fails)
			}
		}
		b.empty <- block[:0]
	}
}

// Write implements io.Writer. Its error may be that of an earlier write.
func (b *behind) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		n := copy(b.block[len(b.block):blockSize], p)
		b.block, p, written = b.block[:len(b.block)+n], p[n:], written+n
		if len(b.block) < blockSize {
			break
		}
		b.full <- b.block
		b.block = <-b.empty
		select {
		case <-b.fails:
			return written, b.err
		default:
		}
	}
	return written, nil
}

// close waits until everything is written.
func (b *behind) close() error {
	b.full <- b.block
	close(b.full)
	<-b.ended
	return b.err
}

// aside runs a function on a thread of its own that yields to every other of the program:
// a push does not wait for a backup. The thread ends with the function, which closes ended.
func aside(work func()) (ended <-chan struct{}) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked, so that the thread is not used again
		yieldToOthers()
		work()
	}()
	return done
}
