package git

import (
	"bytes"
	"fmt"
	"testing"
)

// TestBlobs: small files are kept, as many as there is room for. Files that are asked for
// again and again stay for ever.
func TestBlobs(t *testing.T) {
	var b blobs
	if _, ok := b.get("a"); ok {
		t.Error("an empty cache has a file")
	}
	b.put("large", make([]byte, maxKeptBlob+1))
	if _, ok := b.get("large"); ok {
		t.Error("a large file is kept")
	}
	b.put("often", []byte("content"))
	b.put("once", []byte("content"))
	for i := range 10 * maxKeptBlobs / maxKeptBlob {
		b.put(fmt.Sprint(i), bytes.Repeat([]byte{byte(i)}, maxKeptBlob))
		if content, ok := b.get("often"); !ok || content != "content" {
			t.Fatalf("after %d others, a file that is asked for is %q, %v", i, content, ok)
		}
	}
	if _, ok := b.get("once"); ok {
		t.Error("a file that nobody asks for is kept")
	}
	size := 0
	for _, half := range []map[string]string{b.young, b.old} {
		for hash, content := range half {
			size += len(hash) + len(content)
		}
	}
	if size > 2*maxKeptBlobs {
		t.Errorf("%d bytes are kept", size)
	}
}
