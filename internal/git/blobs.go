package git

import "sync"

// Bounds of what is kept of files: pushboat.yaml, and others that are as small.
const (
	maxKeptBlob  = 16 << 10  // bytes of one
	maxKeptBlobs = 256 << 10 // bytes of those that were asked for last; there may be twice as many
)

// blobs keeps the contents of small files by the names of their objects. Each push reads
// pushboat.yaml, which hardly any changes: to find it took reading the indexes of all
// packs of a repository, ten thousand lines and more.
//
// What was not asked for while as many bytes came as are kept is forgotten.
type blobs struct {
	mu         sync.Mutex
	young, old map[string]string // by the names
	bytes      int               // of young
}

// get returns the content of a file; false if it is not kept.
func (b *blobs) get(name string) (content string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if content, ok = b.young[name]; ok {
		return content, true
	}
	if content, ok = b.old[name]; ok {
		b.putLocked(name, content)
	}
	return content, ok
}

// put keeps the content of a file, if it is small.
func (b *blobs) put(name string, content []byte) {
	if len(content) > maxKeptBlob {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.putLocked(name, string(content))
}

func (b *blobs) putLocked(name, content string) {
	size := len(name) + len(content)
	if b.young == nil || b.bytes+size > maxKeptBlobs {
		b.young, b.old, b.bytes = map[string]string{}, b.young, 0
	}
	if _, ok := b.young[name]; !ok {
		b.young[name] = content
		b.bytes += size
	}
}
