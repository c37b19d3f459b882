package secrets

import (
	"container/list"
	"sync"
)

// maxCache bounds the decrypted files that are kept, in bytes. The Secrets of a
// thousand apps have about 5 MB.
const maxCache = 16 << 20

// opened is a decrypted file.
type opened struct {
	plain  []byte
	values []string // that were encrypted
	// openers are the names of the keys that open it, for each of its groups of keys, of
	// which it needs some; nil where no key was used.
	openers [][]string
	needs   int
}

func (o opened) size() int {
	n := len(o.plain)
	for _, v := range o.values {
		n += len(v)
	}
	return n
}

// cache keeps decrypted files by the hash of the encrypted blob. The most recently used
// stay longest.
type cache struct {
	mu    sync.Mutex
	files map[string]*list.Element
	order list.List // of cached, the last used first
	bytes int
}

type cached struct {
	key  string
	file opened
}

func (c *cache) get(key string) (opened, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.files[key]
	if !ok {
		return opened{}, false
	}
	c.order.MoveToFront(element)
	return element.Value.(cached).file, true //nolint:errcheck // put puts nothing else there
}

func (c *cache) put(key string, file opened) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.files[key]; known || file.size() > maxCache {
		return
	}
	if c.files == nil {
		c.files = map[string]*list.Element{}
	}
	c.files[key] = c.order.PushFront(cached{key, file})
	c.bytes += file.size()
	for c.bytes > maxCache {
		oldest := c.order.Back()
		gone := c.order.Remove(oldest).(cached) //nolint:errcheck // put puts nothing else there
		delete(c.files, gone.key)
		c.bytes -= gone.file.size()
	}
}
