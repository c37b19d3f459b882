package relay

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"
)

// How a server that passes a connection on says which client's it is: the leader sends
// a challenge, and the other answers with one line that ends in LF,
//
//	pushboat-relay CLIENT LOCAL MAC
//
// CLIENT and LOCAL are the addresses of the client's connection. MAC proves, by the
// secret that both know, who wrote them: clients' addresses decide about limits and
// keys. The client's bytes follow.
const (
	protocol       = "pushboat-relay"
	challengeBytes = 32
	maxAnswer      = 256 // bytes, its line end included
)

// knockTimeout is how long one server waits for the other, up to the first byte that is
// the client's.
const knockTimeout = 5 * time.Second

// mac proves that the addresses in a text were written by a server of the data directory.
func mac(key, challenge []byte, addresses string) []byte {
	sum := hmac.New(sha256.New, key)
	fmt.Fprintf(sum, "%s %x %s", protocol, challenge, addresses)
	return sum.Sum(nil)
}

// knock tells the leader which client's connection follows.
func knock(peer io.ReadWriter, key []byte, client, local net.Addr) error {
	challenge := make([]byte, challengeBytes)
	if _, err := io.ReadFull(peer, challenge); err != nil {
		return fmt.Errorf("read the challenge: %w", err)
	}
	addresses := client.String() + " " + local.String()
	_, err := fmt.Fprintf(peer, "%s %s %x\n", protocol, addresses, mac(key, challenge, addresses))
	return err
}

// ask asks the peer which client's connection it passes on.
func ask(peer io.ReadWriter, key []byte) (client, local net.Addr, err error) {
	challenge := make([]byte, challengeBytes)
	_, _ = rand.Read(challenge) // never fails, see its documentation
	if _, err := peer.Write(challenge); err != nil {
		return nil, nil, err
	}
	line, err := readLine(peer)
	if err != nil {
		return nil, nil, err
	}
	return parseAnswer(line, key, challenge)
}

// readLine reads a line without its end, and no byte after it.
func readLine(from io.Reader) (string, error) {
	line := make([]byte, 0, maxAnswer)
	for len(line) < maxAnswer {
		next := line[len(line) : len(line)+1]
		if _, err := io.ReadFull(from, next); err != nil {
			return "", err
		}
		if next[0] == '\n' {
			return string(line), nil
		}
		line = line[:len(line)+1]
	}
	return "", fmt.Errorf("a line of more than %d bytes", maxAnswer)
}

var errStranger = errors.New("no server of this data directory")

// parseAnswer reads the answer to a challenge.
func parseAnswer(line string, key, challenge []byte) (client, local net.Addr, err error) {
	words := strings.Split(line, " ")
	if len(words) != 4 || words[0] != protocol {
		return nil, nil, errStranger
	}
	given, err := hex.DecodeString(words[3])
	if err != nil || !hmac.Equal(given, mac(key, challenge, words[1]+" "+words[2])) {
		return nil, nil, errStranger
	}
	if client, err = parseAddress(words[1]); err == nil {
		local, err = parseAddress(words[2])
	}
	return client, local, err
}

func parseAddress(text string) (*net.TCPAddr, error) {
	address, err := netip.ParseAddrPort(text)
	if err != nil {
		return nil, err
	}
	return net.TCPAddrFromAddrPort(address), nil
}
