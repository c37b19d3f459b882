package backup

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

func TestBehindWritesEverythingInOrder(t *testing.T) {
	for _, size := range []int{0, 1, blockSize - 1, blockSize, blockSize + 1, (2*blocks + 1) * blockSize} {
		want := make([]byte, size)
		source := rand.NewChaCha8([32]byte{byte(size)})
		_, _ = source.Read(want) // never fails, see its documentation
		var got bytes.Buffer
		b := newBehind(&got)
		for rest := want; len(rest) > 0; {
			piece := rest[:min(len(rest), 1+rand.IntN(3*blockSize))]
			if n, err := b.Write(piece); n != len(piece) || err != nil {
				t.Fatalf("%d bytes: Write = %d, %v; want %d, nil", size, n, err, len(piece))
			}
			rest = rest[len(piece):]
		}
		if err := b.close(); err != nil {
			t.Errorf("%d bytes: close = %v", size, err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%d bytes: %d bytes came out, or others", size, got.Len())
		}
	}
}

// full is a writer to a disk that is full after some bytes.
type full struct{ left int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.left {
		return 0, errFull
	}
	f.left -= len(p)
	return len(p), nil
}

func TestBehindReportsAnEarlierError(t *testing.T) {
	for name, left := range map[string]int{"at once": 0, "after two blocks": 2 * blockSize} {
		b := newBehind(&full{left: left})
		var err error
		// A later write returns the error. After this many, every block has been written.
		for range 4 * blocks {
			if _, err = b.Write(make([]byte, blockSize)); err != nil {
				break
			}
		}
		if !errors.Is(err, errFull) {
			t.Errorf("%s: Write = %v, want %v", name, err, errFull)
		}
		if err := b.close(); !errors.Is(err, errFull) {
			t.Errorf("%s: close = %v, want %v", name, err, errFull)
		}
	}
	b := newBehind(&full{})
	if _, err := b.Write([]byte("few")); err != nil {
		t.Errorf("Write of a part of a block = %v, want nil", err)
	}
	if err := b.close(); !errors.Is(err, errFull) {
		t.Errorf("close = %v, want %v", err, errFull)
	}
}

// broken is a writer that panics.
type broken struct{}

func (broken) Write([]byte) (int, error) { panic("broken") }

// TestBehindContainsPanics: a panic on our own goroutine becomes an error, since no caller
// could recover it.
func TestBehindContainsPanics(t *testing.T) {
	const want = "the program has a fault: broken"
	b := newBehind(broken{})
	var err error
	for range 4 * blocks {
		if _, err = b.Write(make([]byte, blockSize)); err != nil {
			break
		}
	}
	for name, err := range map[string]error{"Write": err, "close": b.close(), "aside": aside(func() error { panic("broken") })()} {
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}
