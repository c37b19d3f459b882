package bucket

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/backup/bucket/buckettest"
)

const folder = "pushboat/0123456789abcdef0123456789abcdef"

// open starts a storage server, and opens a bucket of it.
func open(t *testing.T) (*buckettest.Server, *Bucket) {
	t.Helper()
	server, err := buckettest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	b, err := Open(Config{
		Address: Address{buckettest.Bucket, folder}, Endpoint: server.URL, Keys: Keys{ID: buckettest.Key, Secret: buckettest.Secret},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	b.pause = time.Millisecond
	return server, b
}

func random(t *testing.T, n int) []byte {
	t.Helper()
	text := make([]byte, n)
	_, _ = rand.Read(text)
	return text
}

// agrees is a check before a commit that finds nothing wrong.
func agrees() error { return nil }

// store stores a backup.
func store(t *testing.T, b *Bucket, o Object, content []byte) {
	t.Helper()
	u, err := b.Begin(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(struct{ io.Writer }{u}, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	if size, err := u.Commit(agrees); err != nil || size != int64(len(content)) {
		t.Fatalf("%d bytes, %v", size, err)
	}
}

// load reads a backup.
func load(t *testing.T, b *Bucket, id string) ([]byte, error) {
	t.Helper()
	objects, err := b.List(t.Context())
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(objects, func(o Object) bool { return o.ID == id })
	if i < 0 {
		return nil, errors.New("it is not there")
	}
	archive, err := b.Archive(objects[i]).Open(t.Context())
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	return io.ReadAll(archive)
}

// TestBackupsComeBack stores and loads backups whose last parts have every size that
// matters.
func TestBackupsComeBack(t *testing.T) {
	_, b := open(t)
	for i, n := range []int{0, 1, partSize, 2*partSize + 1} {
		o := Object{ID: fmt.Sprintf("20261129T020000.000Z-0000000%d", i)}
		content := random(t, n)
		store(t, b, o, content)
		if got, err := load(t, b, o.ID); err != nil || !bytes.Equal(got, content) {
			t.Errorf("of %d bytes came %d, %v", n, len(got), err)
		}
	}
	objects, err := b.List(t.Context())
	if err != nil || len(objects) != 4 || objects[3].Size != 2*partSize+1 || objects[3].Folder != folder {
		t.Errorf("listed: %v, %v", objects, err)
	}
	if err := b.Delete(t.Context(), objects[0]); err != nil {
		t.Error(err)
	}
	if err := b.Delete(t.Context(), objects[0]); err != nil {
		t.Errorf("again: %v", err)
	}
	if objects, err = b.List(t.Context()); err != nil || len(objects) != 3 {
		t.Errorf("after a deletion: %v, %v", objects, err)
	}
}

// TestListsAreRead: a list may have many pages, and objects that are no backups are left
// out.
func TestListsAreRead(t *testing.T) {
	server, b := open(t)
	const many = 2100
	for i := range many {
		if err := server.Put(fmt.Sprintf("%s/20261129T020000.000Z-%08x.full.backup", folder, i), nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{folder + "/notes.txt", folder + "x/" + sunday + ".full.backup", sunday + ".full.backup"} {
		if err := server.Put(key, nil); err != nil {
			t.Fatal(err)
		}
	}
	objects, err := b.List(t.Context())
	if err != nil || len(objects) != many || objects[many-1].ID != fmt.Sprintf("20261129T020000.000Z-%08x", many-1) {
		t.Errorf("%d objects, %v", len(objects), err)
	}
}

// TestUploadsAreThereWholeOrNot: an upload that does not come to its end stores nothing,
// whatever has ended it.
func TestUploadsAreThereWholeOrNot(t *testing.T) {
	for name, end := range map[string]func(*buckettest.Server, *Upload) error{
		"nobody committed it":  func(*buckettest.Server, *Upload) error { return errors.New("killed") },
		"it was aborted":       func(_ *buckettest.Server, u *Upload) error { return errors.Join(errors.New("aborted"), u.Abort()) },
		"another server leads": func(_ *buckettest.Server, u *Upload) error { return commit(u, errors.New("stale")) },
		"a part was spoilt":    func(s *buckettest.Server, u *Upload) error { s.Spoil(tries); return commit(u, nil) },
		"the storage is away":  func(s *buckettest.Server, u *Upload) error { s.Away("*"); return commit(u, nil) },
		"its end is an error with the status of success": func(s *buckettest.Server, u *Upload) error {
			s.Refuse(http.MethodPost, "uploadId", 1, http.StatusOK, "InternalError") // Amazon answers so after a long commit
			return commit(u, nil)
		},
	} {
		server, b := open(t)
		u, err := b.Begin(t.Context(), Object{ID: sunday})
		if err == nil {
			_, err = u.Write(random(t, partSize+5))
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := end(server, u); err == nil {
			t.Errorf("%s: no error", name)
		}
		if objects, err := server.Objects(); err != nil || len(objects) > 0 {
			t.Errorf("%s: there is %q, %v", name, objects, err)
		}
	}
}

func commit(u *Upload, ready error) error {
	_, err := u.Commit(func() error { return ready })
	return err
}

// TestUnfinishedUploadsAreDropped: only uploads to the same folder are dropped.
func TestUnfinishedUploadsAreDropped(t *testing.T) {
	_, b := open(t)
	elsewhere := *b
	elsewhere.address = b.address.In("deeper")
	var uploads []*Upload
	for _, at := range []*Bucket{b, b, &elsewhere} {
		u, err := at.Begin(t.Context(), Object{ID: sunday})
		if err != nil {
			t.Fatal(err)
		}
		uploads = append(uploads, u)
	}
	if dropped, err := b.DropUnfinished(t.Context()); err != nil || dropped != 2 {
		t.Errorf("dropped %d, %v", dropped, err)
	}
	if err := commit(uploads[0], nil); err == nil {
		t.Error("a dropped upload was committed")
	}
	if err := commit(uploads[2], nil); err != nil {
		t.Errorf("the upload of another folder: %v", err)
	}
	if err := uploads[1].Abort(); err != nil {
		t.Errorf("abort a dropped upload: %v", err)
	}
}

// TestTroubleThatPasses: requests that fail are sent again, also if only their answer was
// lost.
func TestTroubleThatPasses(t *testing.T) {
	for name, trouble := range map[string]func(*buckettest.Server){
		"busy":                       func(s *buckettest.Server) { s.Refuse(http.MethodPut, "partNumber", tries-1, 503, "SlowDown") },
		"a part too slow":            func(s *buckettest.Server) { s.Refuse(http.MethodPut, "partNumber", 1, 400, "RequestTimeout") },
		"a part's answer is lost":    func(s *buckettest.Server) { s.Lose(http.MethodPut, "partNumber", 1) },
		"the beginning's is lost":    func(s *buckettest.Server) { s.Lose(http.MethodPost, "uploads", 1) },
		"the end's is lost":          func(s *buckettest.Server) { s.Lose(http.MethodPost, "uploadId", tries) },
		"the end's is a web page":    func(s *buckettest.Server) { s.Answer(http.MethodPost, "uploadId", 1, 502, "<html>") },
		"the list's is an error":     func(s *buckettest.Server) { s.Refuse(http.MethodGet, "list-type", 2, 500, "InternalError") },
		"reading breaks off":         func(s *buckettest.Server) { s.Cut(1) },
		"reading breaks off, twice":  func(s *buckettest.Server) { s.Cut(tries - 1) },
		"a deletion that is unheard": func(s *buckettest.Server) { s.Lose(http.MethodDelete, "", 1) },
	} {
		server, b := open(t)
		trouble(server)
		content := random(t, 100_000)
		store(t, b, Object{ID: sunday}, content)
		if got, err := load(t, b, sunday); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if err := b.Delete(t.Context(), Object{Folder: folder, ID: sunday}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReadingEndsInTime: reading ends with an error if the object changes meanwhile, or can
// never be read to its end.
func TestReadingEndsInTime(t *testing.T) {
	content := bytes.Repeat([]byte("a"), 1000)
	for name, trouble := range map[string]func(*buckettest.Server, *Bucket){
		"it breaks off for ever": func(s *buckettest.Server, _ *Bucket) { s.Cut(100) },
		"it is another one from the middle on": func(s *buckettest.Server, _ *Bucket) {
			s.Cut(1)
			reads := 0
			s.OnAsked(func() {
				if reads++; reads == 3 { // the list, the first half, the rest
					_ = s.Put(folder+"/"+sunday+".full.backup", bytes.Repeat([]byte("b"), 1000))
				}
			})
		},
		"there is more than was listed": func(s *buckettest.Server, _ *Bucket) {
			reads := 0
			s.OnAsked(func() {
				if reads++; reads == 2 {
					_ = s.Put(folder+"/"+sunday+".full.backup", bytes.Repeat([]byte("a"), 1001))
				}
			})
		},
	} {
		server, b := open(t)
		store(t, b, Object{ID: sunday}, content)
		trouble(server, b)
		if got, err := load(t, b, sunday); err == nil {
			t.Errorf("%s: read %d bytes", name, len(got))
		}
	}
}

// TestRefusalsSayWhatToDo: errors tell the user how to continue, and contain no part of the
// keys.
func TestRefusalsSayWhatToDo(t *testing.T) {
	for name, test := range map[string]struct {
		status     int
		body       string
		want, hint string
	}{
		"unknown key":   {403, code("InvalidAccessKeyId"), "does not know the key", "backup.credentials"},
		"wrong secret":  {403, code("SignatureDoesNotMatch"), "refuses the key's secret as wrong", "backup.credentials"},
		"expired":       {400, code("ExpiredToken"), "the keys have expired", "backup.credentials"},
		"no right":      {403, code("AccessDenied"), "answers AccessDenied, 403 Forbidden", "let the key do all that docs/backup.md names with s3://backups/" + folder},
		"no bucket":     {404, code("NoSuchBucket"), "there is no bucket backups at", "make the bucket, or name another one: backup.bucket"},
		"other region":  {301, "<Error><Code>PermanentRedirect</Code><Region>eu-west-3</Region></Error>", "is in another region", "set backup.region: eu-west-3"},
		"no word of it": {301, "", "is in another region", "set backup.region to the bucket's own"},
		"wrong clock":   {403, code("RequestTimeTooSkewed"), "15 minutes apart", "clock"},
		"no S3":         {404, "<html>hunter2</html>", "answers 404 Not Found", "look at what the storage says"},
		"hostile":       {400, "<Error><Code>\x1b[31mhunter2</Code><Region>evil.org/hunter2</Region></Error>", "answers 400 Bad Request", "look at"},
		"hostile code":  {400, "<Error><Code>hunter2 !</Code></Error>", "answers Error, 400 Bad Request", "look at"},
		"endless":       {400, "<Error><Code>" + strings.Repeat("hunter2", 20_000), "answers 400 Bad Request", "look at"},
		"success of no": {200, "<html>", "what answers at", ""},
		"a hidden no":   {200, code("AccessDenied"), "answers AccessDenied", "look at"},
	} {
		server, b := open(t)
		server.Answer(http.MethodGet, "list-type", tries, test.status, test.body)
		_, err := b.List(t.Context())
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		hint := ""
		if of, ok := errors.AsType[interface {
			error
			Hint() string
		}](err); ok {
			hint = of.Hint()
		}
		said := err.Error() + hint
		if !strings.Contains(err.Error(), test.want) || !strings.Contains(hint, test.hint) || strings.Contains(said, "hunter2") || strings.Contains(said, buckettest.Secret) {
			t.Errorf("%s: %v; hint: %s", name, err, hint)
		}
	}
}

func code(word string) string { return "<Error><Code>" + word + "</Code></Error>" }

// TestWrongKeysAreTold uses storage that checks the keys.
func TestWrongKeysAreTold(t *testing.T) {
	server, b := open(t)
	for _, test := range []struct {
		keys Keys
		want string
	}{
		{Keys{ID: "AKNOBODY", Secret: buckettest.Secret}, "does not know the key"},
		{Keys{ID: buckettest.Key, Secret: "hunter2"}, "refuses the key's secret as wrong"},
	} {
		b.keys = test.keys
		_, err := b.List(t.Context())
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
	if asked := server.Asked(); len(asked) != 2 {
		t.Errorf("a request that can only be refused was sent again: %q", asked)
	}
}

// TestUnreachableStorage: the error names the host, and no address with a query.
func TestUnreachableStorage(t *testing.T) {
	server, b := open(t)
	server.Close()
	_, err := b.List(t.Context())
	unreachable, ok := errors.AsType[*Unreachable](err)
	if !ok || !strings.HasPrefix(err.Error(), "list backups at 127.0.0.1:") || strings.Contains(err.Error(), "list-type") || !strings.Contains(unreachable.Hint(), "backup.endpoint") {
		t.Errorf("%v", err)
	}
}

// TestTooLargeABackup: a backup with too many parts is refused before the storage refuses
// it.
func TestTooLargeABackup(t *testing.T) {
	_, b := open(t)
	u, err := b.Begin(t.Context(), Object{ID: sunday})
	if err != nil {
		t.Fatal(err)
	}
	u.sent = make([]string, maxParts)
	if err := commitOne(u); err == nil || err.Error() != "a backup in a bucket has 156 GiB at most" {
		t.Errorf("%v", err)
	}
}

func commitOne(u *Upload) error {
	if _, err := u.Write([]byte("x")); err != nil {
		return err
	}
	return commit(u, nil)
}

func TestCutOff(t *testing.T) {
	other := errors.New("no route to host")
	for err, want := range map[error]error{
		nil: nil, other: other, syscall.ECONNRESET: syscall.ECONNRESET,
		&net.OpError{Op: "write", Err: net.ErrClosed}: io.EOF,
		&net.OpError{Op: "write", Err: syscall.EPIPE}: io.EOF,
	} {
		if got := cutOff(err); !errors.Is(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
}
