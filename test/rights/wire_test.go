package rights

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // Git's own
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Git's client would start two processes and open a connection for each cell. This is the
// part of its protocol for a push of commits that the server already has
// (gitprotocol-pack): no new objects, several refs, push options.

// zero is the commit of a ref that does not exist.
const zero = "0000000000000000000000000000000000000000"

// update is the move of a ref by a push.
type update struct{ ref, from, to string }

// push pushes refs in a session of the client. It returns all output of the server: its
// messages and its report. An error that ends the session before the push begins counts as
// a message.
func push(client *ssh.Client, repo string, options []string, updates ...update) (said string, err error) {
	session, err := client.NewSession()
	if err != nil {
		return "", err
	}
	defer session.Close()
	in, err := session.StdinPipe()
	if err != nil {
		return "", err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return "", err
	}
	var complaint bytes.Buffer
	session.Stderr = &complaint
	if err := session.Start("git-receive-pack '" + repo + "'"); err != nil {
		return "", err
	}
	lines := bufio.NewReader(out)
	refusal, err := advertisement(lines)
	if err != nil || refusal != "" {
		return refusal, err
	}
	_, err = in.Write(request(options, updates))
	if err == nil {
		err = in.Close()
	}
	if err != nil {
		return "", err
	}
	var answer strings.Builder
	for {
		line, more, err := packet(lines)
		if err != nil || !more {
			_ = session.Wait() // all of its complaint is there then; its status says nothing more
			return answer.String() + complaint.String(), err
		}
		answer.WriteString(unband(line))
	}
}

// advertisement reads the refs of the server, or its refusal.
func advertisement(lines *bufio.Reader) (refusal string, err error) {
	for {
		line, more, err := packet(lines)
		if err != nil || !more {
			return "", err
		}
		if text, refused := strings.CutPrefix(line, "ERR "); refused {
			return text, nil
		}
	}
}

// request is the client's part of a push.
func request(options []string, updates []update) []byte {
	var b bytes.Buffer
	deletes := true
	for i, u := range updates {
		line := u.from + " " + u.to + " " + u.ref
		if i == 0 {
			line += "\x00report-status side-band-64k push-options"
		}
		writePacket(&b, line)
		deletes = deletes && u.to == zero
	}
	b.WriteString("0000")
	for _, option := range options {
		writePacket(&b, option)
	}
	b.WriteString("0000")
	if !deletes {
		b.Write(emptyPack())
	}
	return b.Bytes()
}

// emptyPack is a pack without objects (gitformat-pack).
func emptyPack() []byte {
	pack := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), 0)
	sum := sha1.Sum(pack) //nolint:gosec // Git's own
	return append(pack, sum[:]...)
}

func writePacket(b *bytes.Buffer, line string) { fmt.Fprintf(b, "%04x%s", len(line)+4, line) }

// packet reads one packet. After the last one, more is false.
func packet(from *bufio.Reader) (line string, more bool, err error) {
	var head [4]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return "", false, err
	}
	size, err := strconv.ParseUint(string(head[:]), 16, 16)
	if err != nil || size < 5 {
		return "", false, err
	}
	data := make([]byte, size-4)
	_, err = io.ReadFull(from, data)
	return string(data), true, err
}

// unband removes the number of the band from a packet.
func unband(line string) string {
	if line != "" && line[0] <= 3 {
		return line[1:]
	}
	return line
}
