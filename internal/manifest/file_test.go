package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestWhyUnread(t *testing.T) {
	loop := errors.New("the link leads to itself")
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"of a file":         {&fs.PathError{Op: "open", Path: "deploy/secret.yaml", Err: loop}, "the link leads to itself"},
		"of a file, within": {fmt.Errorf("read: %w", &fs.PathError{Op: "open", Path: "deploy/secret.yaml", Err: loop}), "the link leads to itself"},
		"of no file":        {loop, "the link leads to itself"},
		"missing":           {&fs.PathError{Op: "open", Path: "deploy/secret.yaml", Err: fs.ErrNotExist}, "there is no such file or folder"},
	} {
		if got := WhyUnread(test.err); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
