// Package secrets lets renderers read files that SOPS has encrypted as if they were
// not: manifests, inputs of kustomize, values of charts. A separate program decrypts
// them. It alone has the keys; neither the renderers nor this server's memory have
// them. Decrypted values are kept only in memory.
package secrets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/pushboat/pushboat/internal/manifest"
)

// MaxFile bounds an encrypted file, in bytes. A Secret has at most 1 MiB, base64 adds a
// third, and SOPS about 2 KB.
const MaxFile = 4 << 20

// maxRead bounds the files that are checked for encryption; larger files are passed on.
const maxRead = 64 << 20

// Config names the program that decrypts, and its keys.
type Config struct {
	Program     string   // the absolute path of pushboat-sops
	SSHKeys     []string // private key files: the server's host key
	AgeKeys     []string // files of age identities
	PGPKeys     []string // files of PGP private keys
	Keys        []string // keys of clouds and Vault that it may use, a * at the end for any ending
	Environment []string // NAME=VALUE, for the clients of clouds and Vault
	Local       bool     // the keys are those of a user who renders a folder, not of a server
}

// Decrypter decrypts files. The nil Decrypter has no keys. The caller must close it.
type Decrypter struct {
	placeholders bool // see Placeholders
	unknown      bool // see Unknown
	local        bool // see Config
	program      program
	cache        cache
	names        map[string]string // of the files of keys, by their paths
}

// New returns a decrypter. It starts the program at the first encrypted file.
func New(config Config) *Decrypter {
	return &Decrypter{local: config.Local, names: keyNames(config), program: program{command: commandOf(config), environment: config.Environment}}
}

// commandOf returns the program with its arguments.
func commandOf(config Config) []string {
	command := []string{config.Program, "serve"}
	for _, flag := range []struct {
		name   string
		values []string
	}{{"--ssh-key", config.SSHKeys}, {"--age-keys", config.AgeKeys}, {"--pgp-keys", config.PGPKeys}, {"--key", config.Keys}} {
		for _, value := range flag.values {
			command = append(command, flag.name, value)
		}
	}
	return command
}

// Close ends the program that decrypts.
func (d *Decrypter) Close() {
	if d != nil {
		d.program.close()
	}
}

// Files returns a revision in which encrypted files are in the clear, for those who may use
// the keys within a limit. Their hashes are those of the encrypted files.
func (d *Decrypter) Files(ctx context.Context, fsys fs.FS, limit Limit) *Files {
	return &Files{FS: fsys, decrypter: d, ctx: ctx, limit: limit, decrypted: map[string]opened{}, failed: map[string]manifest.Problem{}}
}

// Files is a revision in which encrypted files are in the clear.
type Files struct {
	fs.FS
	decrypter *Decrypter
	ctx       context.Context // fs.FS has none, and a push ends with its context
	variant   int             // see Variant; 0: the real values
	limit     Limit

	mu        sync.Mutex
	decrypted map[string]opened
	failed    map[string]manifest.Problem
	hidden    []string          // see Conceal
	given     map[string]string // see Give
}

// Conceal removes values from elsewhere from problems, like decrypted ones.
func (f *Files) Conceal(values ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hidden = append(f.hidden, values...)
}

// Open implements fs.FS.
func (f *Files) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxRead {
		return file, err
	}
	defer func() { _ = file.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(file, maxRead))
	if err != nil {
		return nil, err
	}
	if data, err = f.clear(name, data); err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &plainFile{info, bytes.NewReader(data)}, nil
}

// ReadFile implements fs.ReadFileFS.
func (f *Files) ReadFile(name string) ([]byte, error) {
	data, err := fs.ReadFile(f.FS, name)
	if err != nil {
		return nil, err
	}
	if data, err = f.clear(name, data); err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return data, nil
}

// ReadDir implements fs.ReadDirFS.
func (f *Files) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(f.FS, name) }

// Stat implements fs.StatFS. The size is that of the encrypted file.
func (f *Files) Stat(name string) (fs.FileInfo, error) { return fs.Stat(f.FS, name) }

// Through returns the links on the way of a path, in a revision that follows them.
func (f *Files) Through(name string) []string {
	if links, ok := f.FS.(interface{ Through(name string) []string }); ok {
		return links.Through(name)
	}
	return nil
}

// clear returns the content of a file, decrypted if need be.
func (f *Files) clear(name string, data []byte) ([]byte, error) {
	format := formatOf(name, data)
	if format == "" {
		return data, nil
	}
	info, err := fs.Stat(f.FS, name)
	if err != nil {
		return nil, err
	}
	asked := f.decrypter.limited(request{Format: format, Data: data}, f.limit.Keys)
	key := "" // without a hash it is not cached
	if hash, ok := info.Sys().(fmt.Stringer); ok {
		key = asked.cacheKey(hash.String())
	}
	file, problem := f.decrypter.open(f.ctx, asked, key, f.limit)
	if problem == nil && f.variant > 0 {
		file = varied(asked, file, f.variant)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if problem != nil {
		problem.Source = manifest.Source{File: name}
		f.failed[name] = *problem
		return nil, errors.New(problem.Message)
	}
	f.decrypted[name] = file
	return slices.Clone(file.plain), nil
}

// Decrypt decrypts a file by itself. It is a problem if the file is not encrypted. Neither the
// problem nor the log has anything of the text.
func (d *Decrypter) Decrypt(ctx context.Context, name string, data []byte) ([]byte, *manifest.Problem) {
	format := formatOf(name, data)
	if format == "" {
		return nil, &manifest.Problem{Message: "is not encrypted as SOPS does it", Hint: "encrypt it: sops encrypt -i " + name}
	}
	file, problem := d.open(ctx, request{Format: format, Data: data}, "", Limit{})
	return file.plain, problem
}

// open decrypts a file, or returns the problem that prevents it.
func (d *Decrypter) open(ctx context.Context, asked request, key string, limit Limit) (opened, *manifest.Problem) {
	switch {
	case d == nil:
		return opened{}, &manifest.Problem{
			Message: "the file is encrypted with SOPS, and there are no keys here",
			Hint:    "give a key with --age-key or --ssh-key, or go without the values: --no-secrets",
		}
	case d.placeholders, d.unknown:
		return hidden(asked), nil
	case len(asked.Data) > MaxFile:
		return opened{}, &manifest.Problem{
			Message: fmt.Sprintf("the file is encrypted and has more than %d bytes", MaxFile), Hint: "split it",
		}
	}
	if file, ok := d.cache.get(key); ok && key != "" {
		return file, nil
	}
	answer, err := d.program.ask(ctx, asked)
	if err != nil {
		return opened{}, d.failed(err)
	}
	switch {
	case answer.Failure == noKey && asked.Limited:
		return opened{}, answer.withheld(limit)
	case answer.Failure != "":
		return opened{}, answer.problem(d.local)
	}
	file := opened{plain: answer.Plain, values: answer.Values, openers: d.named(answer.Openers), needs: answer.Needs}
	if key != "" {
		d.cache.put(key, file)
	}
	return file, nil
}

// failed is the problem of a program that does not decrypt.
func (d *Decrypter) failed(err error) *manifest.Problem {
	problem := &manifest.Problem{Message: fmt.Sprintf("decrypt the file: %v", err)}
	if d.local {
		problem.Hint = "pushboat-sops must be in the same folder as pushboat, and able to read the keys"
	} else {
		problem.Remedy = manifest.Again("in a moment; if that does not help, ask the server's operator")
	}
	return problem
}

// problem explains why a file cannot be decrypted, to a server's user or to somebody
// with a local folder.
func (r reply) problem(local bool) *manifest.Problem {
	switch r.Failure {
	case noKey:
		who, hint := "the server has none", "add the key that ssh HOST secrets recipient prints, with sops updatekeys or sops rotate -i --add-age KEY FILE"
		if local {
			who, hint = "none was given here", "give another key with --age-key or --ssh-key, or go without the values: --no-secrets"
		}
		lines := []string{"the file is encrypted, and " + who + " of the keys that it is encrypted for:"}
		for _, reader := range r.Readers {
			lines = append(lines, "  "+manifest.Clean(reader))
		}
		if r.Detail != "" && strings.Contains(r.Detail, "secrets.keys") {
			lines = append(lines, manifest.Clean(r.Detail))
		}
		return &manifest.Problem{
			Message: strings.Join(lines, "\n"),
			Hint:    hint,
		}
	case changed:
		return &manifest.Problem{
			Message: "the file was changed after it was encrypted: its MAC does not match",
			Hint:    "edit it with: sops edit FILE",
		}
	}
	return &manifest.Problem{
		Message: "the file says that SOPS has encrypted it, and it is not as SOPS writes it",
		Hint:    "take it back to the last good one, or encrypt it again",
	}
}

// plainFile is an open file in the clear.
type plainFile struct {
	info fs.FileInfo
	*bytes.Reader
}

func (f *plainFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *plainFile) Close() error               { return nil }
