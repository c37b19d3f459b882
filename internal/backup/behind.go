package backup

import (
	"fmt"
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
	block []byte        // being filled
	full  chan []byte   // to be written, in order
	empty chan []byte   // to be filled again
	wait  func() error  // until everything in full is written, or failed
	err   error         // of the writer; to be read once fails is closed
	fails chan struct{} // closed with the first error
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
	b.wait = aside(func() error { return b.pass(w) })
	return b
}

// pass writes blocks until close, or until the writer fails; then it lets the others go.
func (b *behind) pass(w io.Writer) error {
	for block := range b.full {
		if b.err == nil {
			if b.err = b.passOne(w, block); b.err != nil {
				close(b.fails)
			}
		}
		b.empty <- block[:0]
	}
	return b.err
}

// passOne writes a block.
func (b *behind) passOne(w io.Writer, block []byte) (err error) {
	defer recovered(&err)
	_, err = w.Write(block)
	return err
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
	return b.wait()
}

// aside runs a function on a thread of its own that yields to every other of the program:
// a push does not wait for a backup. The thread ends with the function. wait, which has to be
// called once, returns the function's error.
func aside(work func() error) (wait func() error) {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked, so that the thread is not used again
		yieldToOthers()
		done <- contained(work)
	}()
	return func() error { return <-done }
}

func contained(work func() error) (err error) {
	defer recovered(&err)
	return work()
}

// recovered turns a panic into an error: nobody else contains one on a thread of ours, and
// it would end the server.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the program has a fault: %v", p)
	}
}
