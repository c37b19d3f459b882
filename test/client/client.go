// Package client tells ssh of a server that a test or the demo has started.
package client

import "fmt"

// Host is a server, and the operator who calls it.
type Host struct {
	Name       string // by which ssh calls it
	Address    string // host, without a port
	Port       string
	User       string
	Key        string // file of the operator's private key
	KnownHosts string // file that has the server's host key, under Name
}

// Config is the host's part of a configuration of ssh (ssh_config(5)). The host key
// must be the known one, and ssh uses neither the user's agent nor their configuration.
func (h Host) Config() string {
	return fmt.Sprintf(`Host %s
  HostName %s
  Port %s
  HostKeyAlias %s
  User %s
  IdentityFile "%s"
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile "%s"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  CheckHostIP no
  BatchMode yes
  LogLevel ERROR
`, h.Name, h.Address, h.Port, h.Name, h.User, h.Key, h.KnownHosts)
}
