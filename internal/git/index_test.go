package git

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestIndexesAreReadAsTheyAre(t *testing.T) {
	dir := t.TempDir()
	want := make([]byte, 3*indexBuffer)
	for i := range want {
		want[i] = byte(i * 7)
	}
	if err := os.WriteFile(filepath.Join(dir, "pack.idx"), want, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := openFS(dir).Open("pack.idx")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	head := make([]byte, 4)
	if _, err := io.ReadFull(file, head); err != nil || string(head) != string(want[:4]) {
		t.Fatalf("the first bytes are %v, %v", head, err)
	}
	if at, err := file.Seek(10, io.SeekCurrent); err != nil || at != 14 {
		t.Fatalf("ten bytes on from 4 is %d, %v; want 14", at, err)
	}
	rest, err := io.ReadAll(file)
	if err != nil || string(rest) != string(want[14:]) {
		t.Errorf("the rest has %d bytes, %v; want %d", len(rest), err, len(want)-14)
	}
	if _, err := file.Write(head); err == nil {
		t.Error("an index can be written to")
	}
}
