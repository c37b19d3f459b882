package sshd

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
)

// Connections that wait to be served, and may never log in, leave slots to those that are
// served: at their own limit, a newcomer takes the place of the oldest that waits.
func TestWhoWaitsMakesRoom(t *testing.T) {
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	crowd := NewCrowd(Limits{MaxPerAddress: 4}, logrus.NewEntry(logger))
	enter := func() (g *Guest, ok bool, client net.Conn) {
		client, nc := net.Pipe()
		t.Cleanup(func() { client.Close() })
		g, ok = crowd.Enter(nc)
		return g, ok, client
	}
	isOut := func(g *Guest) bool {
		select {
		case <-g.Out():
			return true
		default:
			return false
		}
	}
	first, _, told := enter()
	second, _, _ := enter()
	third, ok, _ := enter()
	if !ok || !isOut(first) || isOut(second) {
		t.Fatalf("let in: %t; the oldest is out: %t, the second: %t", ok, isOut(first), isOut(second))
	}
	if text, _ := io.ReadAll(told); !strings.Contains(string(text), madeRoom) {
		t.Errorf("the oldest is told %q", text)
	}
	first.Leave()
	second.Served()
	third.Served()
	enter()
	if _, ok, _ := enter(); !ok || isOut(second) || isOut(third) {
		t.Errorf("let in: %t; those that are served are out: %t, %t", ok, isOut(second), isOut(third))
	}
	if _, ok, _ := enter(); ok {
		t.Error("more than all slots are taken")
	}
	crowd.End()
}
