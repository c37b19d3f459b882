package converge

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	probeEvery  = 200 * time.Millisecond
	probeWithin = 5 * time.Second
)

// outages measures how long clients had no server: the time between two answers.
type outages struct {
	mu      sync.Mutex
	last    time.Time // when the last answer came
	faults  []string  // the faults since then
	longest time.Duration
	amid    []string // the faults during the longest outage
	answers int
}

// fault notes a fault.
func (o *outages) fault(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.faults = append(o.faults, name)
}

// answered notes that the server has answered.
func (o *outages) answered(now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if gap := now.Sub(o.last); !o.last.IsZero() && gap > o.longest {
		o.longest, o.amid = gap, slices.Clone(o.faults)
	}
	o.last, o.answers = now, o.answers+1
	o.faults = o.faults[:0]
}

// probe asks the server for its version again and again, until ctx ends.
func (o *outages) probe(ctx context.Context, address, keyFile string) error {
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	signer, err := ssh.ParsePrivateKey(key)
	if err != nil {
		return fmt.Errorf("key %q: %w", keyFile, err)
	}
	config := &ssh.ClientConfig{
		User: "git", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, Timeout: probeWithin,
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), // the connection only asks for the version
	}
	for ctx.Err() == nil {
		if askVersion(address, config) == nil {
			o.answered(time.Now())
		}
		select {
		case <-ctx.Done():
		case <-time.After(probeEvery):
		}
	}
	return nil
}

// askVersion returns an error if no server answers in time.
func askVersion(address string, config *ssh.ClientConfig) error {
	client, err := ssh.Dial("tcp", address, config)
	if err != nil {
		return err
	}
	late := time.AfterFunc(probeWithin, func() { _ = client.Close() })
	defer late.Stop()
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	_, err = session.Output("version")
	return err
}
