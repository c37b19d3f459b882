package secrets

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
)

const (
	// openTimeout bounds the decryption of one file, including the request to a cloud
	// or Vault.
	openTimeout = 30 * time.Second
	// keepFor is how long the program stays after the last file: starting it takes 100
	// ms, and it holds 40 MB.
	keepFor = 2 * time.Minute
)

// program is pushboat-sops: started for the first file, kept for a while.
type program struct {
	command     []string
	environment []string

	mu    sync.Mutex // held while a file is opened; files are opened one at a time
	child *child     // nil: none runs
	idle  *time.Timer
}

type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// ask asks the program to open a file.
func (p *program) ask(ctx context.Context, asked request) (reply, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.start(); err != nil {
		return reply{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, openTimeout, fmt.Errorf("it took more than %s", openTimeout))
	defer cancel()
	process := p.child.cmd.Process
	stop := context.AfterFunc(ctx, func() { _ = process.Kill() })
	defer stop()
	var answer reply
	err := writeFrame(p.child.in, asked)
	if err == nil {
		err = readFrame(p.child.out, &answer)
	}
	if err == nil && stop() {
		p.idle = time.AfterFunc(keepFor, p.rest)
		return answer, nil
	}
	p.end()
	switch {
	case ctx.Err() != nil:
		return reply{}, context.Cause(ctx)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return reply{}, errors.New("pushboat-sops has ended; the file may be too large for it, or a key file of the configuration cannot be read")
	}
	return reply{}, err
}

// start starts the program unless it runs. Its environment holds the configured
// variables and nothing else. The output of a crash is dropped, since it may contain
// part of a secret.
func (p *program) start() error {
	if p.idle != nil {
		p.idle.Stop()
		p.idle = nil
	}
	if p.child != nil {
		return nil
	}
	cmd := exec.Command(p.command[0], p.command[1:]...)
	cmd.Env = append([]string{"GOTRACEBACK=none"}, p.environment...)
	cmd.Dir = "/"
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("start pushboat-sops: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start pushboat-sops: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %q: %w", p.command[0], err)
	}
	p.child = &child{cmd, in, bufio.NewReaderSize(out, 64<<10)}
	return nil
}

// rest ends a program that has been idle for keepFor.
func (p *program) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle != nil {
		p.idle = nil
		p.end()
	}
}

// end ends the program, if it runs, and reaps it.
func (p *program) end() {
	if p.child == nil {
		return
	}
	_ = p.child.in.Close()
	_ = p.child.cmd.Process.Kill() // or it is already gone
	_ = p.child.cmd.Wait()         // its status is that of the kill
	p.child = nil
}

func (p *program) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle != nil {
		p.idle.Stop()
		p.idle = nil
	}
	p.end()
}

// tryTimeout bounds how long the program may take to open its keys.
const tryTimeout = 20 * time.Second

// Try makes the program open the configured keys, as it does before the first file. The
// error says only that it could not: the program's own message may contain part of a
// key.
func Try(config Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), tryTimeout)
	defer cancel()
	command := commandOf(config)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append([]string{"GOTRACEBACK=none"}, config.Environment...)
	cmd.Dir = "/"
	err := cmd.Run() // without input it ends as soon as it has its keys
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return errors.New("the file holds no key that pushboat-sops can read")
	}
	if err != nil {
		return fmt.Errorf("start pushboat-sops: %w", err)
	}
	return nil
}

// encryptTimeout bounds the encryption of one file.
const encryptTimeout = 30 * time.Second

// Encrypt encrypts the values of a YAML file under a key, as SOPS does, for age recipients or
// public SSH keys. program is the absolute path of pushboat-sops. The text is written nowhere.
func Encrypt(ctx context.Context, program string, text []byte, key string, recipients []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, encryptTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "encrypt", "--age", strings.Join(recipients, ","), "--regex", "^"+key+"$", "--format", "yaml", "-")
	cmd.Env, cmd.Dir = []string{"GOTRACEBACK=none"}, "/"
	var out, told bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), &out, &told
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil, fmt.Errorf("encrypt it: %s", manifest.Clean(strings.TrimSpace(told.String()))) // it is about recipients, and has nothing of the text
	}
	if err != nil {
		return nil, fmt.Errorf("start pushboat-sops, which must be in the same folder as pushboat: %w", err)
	}
	return out.Bytes(), nil
}
