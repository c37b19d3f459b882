package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// recordWithin is how long the record of a correction may take to be written after it:
// one commit in a bare repository.
const recordWithin = 15 * time.Second

// startServer starts Pushboat on free ports, with one operator.
func (d *demo) startServer(ctx context.Context) error {
	if err := d.makeKey(ctx); err != nil {
		return err
	}
	err := d.start(ctx, "pushboat", "serve",
		"--data", d.path("data"),
		"--ssh", "127.0.0.1:0",
		"--http", "127.0.0.1:0",
		"--kubeconfig", d.kubeconfig(),
		"--admin-key", d.path("key.pub"))
	if err != nil {
		return err
	}
	if err := d.writeSSHConfig(ctx); err != nil {
		return err
	}
	_, err = d.ssh(ctx, "whoami")
	return err
}

// readHistory shows the records of the demo. There are at least three: two pushes and
// the correction. The correction's record is written just after the correction, so it
// may be a moment late.
func (d *demo) readHistory(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	for {
		n, err := d.countRecords(ctx)
		if err != nil {
			return err
		}
		if n >= 3 {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the history of shop holds %d records, not two pushes and the correction", n)
		case <-time.After(time.Second):
		}
	}
	if _, err := d.ssh(ctx, "history", "shop"); err != nil {
		return err
	}
	d.say("")
	said, err := d.ssh(ctx, "logs", "shop-3")
	if err == nil && !strings.Contains(said, byHand) {
		err = fmt.Errorf("the record of the correction does not tell of %s", byHand)
	}
	return err
}

// countRecords reads the history in the form for scripts.
func (d *demo) countRecords(ctx context.Context) (int, error) {
	out, err := d.output(ctx, d.dir, "ssh", "-F", d.path("ssh_config"), "pushboat", "history", "shop", "-o", "json")
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return 0, err
	}
	var records []json.RawMessage
	if err := json.Unmarshal([]byte(out), &records); err != nil {
		return 0, fmt.Errorf("read the history as a JSON array: %w", err)
	}
	return len(records), nil
}
