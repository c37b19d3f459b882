package script

import (
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pushboat/pushboat/internal/backup/bucket/buckettest"
)

const bucketUsage = "bucket start | list | off [METHOD] | on"

// cmdBucket runs a server of S3 storage for the script.
func cmdBucket(ts *testscript.TestScript, neg bool, args []string) {
	s := on(ts)
	switch verb := strings.Join(args, " "); {
	case neg:
		ts.Fatalf("unsupported: ! bucket")
	case verb == "start" && s.bucket == nil:
		storage, err := buckettest.Start()
		ts.Check(err)
		ts.Defer(storage.Close)
		s.bucket = storage
		ts.Setenv("ENDPOINT", storage.URL)
		ts.Check(os.WriteFile(s.Path("bucket.key"), []byte(buckettest.Key+":"+buckettest.Secret+"\n"), 0o600))
	case s.bucket == nil:
		ts.Fatalf("usage: %s; start comes first", bucketUsage)
	case verb == "list":
		keys, err := s.bucket.Objects()
		ts.Check(err)
		for _, key := range keys {
			fmt.Fprintln(ts.Stdout(), path.Base(key))
		}
	case verb == "off":
		s.bucket.Away("*")
	case len(args) == 2 && args[0] == "off":
		s.bucket.Away(args[1])
	case verb == "on":
		s.bucket.Away("")
	default:
		ts.Fatalf("usage: %s", bucketUsage)
	}
}
