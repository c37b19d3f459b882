package settings

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/lease"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/render/worker"
	"github.com/pushboat/pushboat/internal/sshd"
)

// check notes errors in the settings themselves. The server tries the files that they
// name.
func (c *Config) check(p *problems) {
	for _, s := range Table() {
		if !p.has(s.Name) {
			s.check(c, p)
		}
	}
	p.when(c.Data == "" && !p.has("data"), "", "no data directory: give --data DIR, or data: in the configuration")
	p.when(len(c.Keys.Admin) == 0 && c.Keys.File == "" && !p.has("keys.admin") && !p.has("keys.file") && !p.has("keys"), "",
		"nobody could log in: give --admin-key FILE.pub, or keys: in the configuration")
	_, hasDefault := c.Clusters[appfile.DefaultCluster]
	p.when(!hasDefault && !p.has("clusters"), "clusters", "one has to be called %q", appfile.DefaultCluster)
	if c.SSH.Advertise != "" {
		_, err := sshd.ParseAddress(c.SSH.Advertise)
		p.add("ssh.advertise", err)
	}
	if c.Lease != "" {
		_, err := lease.ParseName(c.Lease)
		p.add("lease", err)
	}
	if c.Self.Repository != "" {
		_, err := name.ParseRepo(c.Self.Repository)
		p.add("self.repository", err)
	}
	if c.SSH.Relay != "" {
		p.when(c.Lease == "", "ssh.relay", "it is for servers that share a lease: give lease, too")
		p.add("ssh.relay", checkRelay(c.SSH.Relay))
	}
	c.HTTP.check(p)
	if c.Debug.Address != "" {
		p.add("debug.address", CheckLoopback(c.Debug.Address))
	}
	for _, tool := range c.Drift.HandTools {
		p.when(strings.Trim(tool, "*") == "", "drift.handTools", "%q would take every controller for a hand tool; name the tools", tool)
	}
	for i, program := range c.ClusterPrograms {
		p.when(!filepath.IsAbs(program), entry("clusterPrograms", i), "%q is no path from the root; write it in full, such as /usr/local/bin/%s", program, program)
	}
	for i, name := range c.Secrets.Environment {
		p.when(!variable.MatchString(name), entry("secrets.environment", i),
			"entry %d is not the name of a variable; write the name without its value", i+1)
	}
	p.when(c.Metrics.Token != "" && c.Metrics.Address == "" && !p.has("metrics.address"), "metrics.token", "there is no metrics.address that it is for")
	c.Traces.check(p)
	c.Notify.check(p)
	c.Mirror.check(p)
	c.Outgoing.check(p)
	c.Backup.check(p)
	c.Audit.check(p)
}

// check checks a value against the table.
func (s Setting) check(c *Config, p *problems) {
	switch value := s.field(c).(type) {
	case *int:
		s.checkLeast(p, int64(*value), strconv.Itoa(*value))
	case *time.Duration:
		s.checkLeast(p, int64(*value), value.String())
	case *Size:
		if *value != 0 {
			s.checkLeast(p, int64(*value), value.String())
		}
	case *string:
		s.checkChoice(p, *value)
		if s.paths {
			s.checkPath(p, s.Name, *value)
		}
	case *[]string:
		for i, path := range *value {
			if s.paths {
				s.checkPath(p, entry(s.Name, i), path)
			}
		}
	case *map[string]string:
		for _, name := range slices.Sorted(maps.Keys(*value)) {
			if s.paths {
				s.checkPath(p, s.Name+"/"+name, (*value)[name])
			}
		}
	}
}

// entry is the name of an entry of a list, see Config.Origin.
func entry(setting string, i int) string { return setting + "/" + strconv.Itoa(i+1) }

func (s Setting) checkLeast(p *problems, value int64, text string) {
	if s.least == "" {
		return
	}
	var bound Config
	field := s.field(&bound)
	_ = parseText(field, s.least) // a test parses each
	var least int64
	switch field := field.(type) {
	case *int:
		least = int64(*field)
	case *time.Duration:
		least = int64(*field)
	case *Size:
		least = int64(*field)
	}
	because := ""
	if s.because != "" {
		because = ", " + s.because
	}
	p.when(value < least, s.Name, "%s is less than %s%s", text, s.least, because)
}

// checkChoice refuses a word that the setting does not allow. It repeats only a plain
// word, which cannot be a secret.
func (s Setting) checkChoice(p *problems, value string) {
	if len(s.oneOf) == 0 || slices.Contains(s.oneOf, value) {
		return
	}
	choices := strings.Join(s.oneOf, ", ")
	switch {
	case len(s.oneOf) == 2:
		p.found = append(p.found, Problem{p.config.Origin(s.Name), "", fmt.Sprintf("%s is neither %s nor %s", s.Name, s.oneOf[0], s.oneOf[1])})
	case plainWord.MatchString(value):
		p.when(true, s.Name, "%q is not one of %s", value, choices)
	default:
		p.when(true, s.Name, "the value is not one of %s", choices)
	}
}

var plainWord = regexp.MustCompile(`^[a-z]{1,20}$`)

// checkPath refuses keys, tokens and passwords in place of the path of a file.
func (s Setting) checkPath(p *problems, name, path string) {
	called := s.Name
	if s.flag != "" {
		called += " (--" + s.flag + ")"
	}
	if err := access.CheckKeyPath(called, path); err != nil {
		p.found = append(p.found, Problem{p.config.Origin(name), "", err.Error()})
	}
}

// variable matches the name of an environment variable, as the clients of clouds and
// Vault use them.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// CheckLoopback refuses an address, HOST:PORT, that other machines can reach.
func CheckLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is no HOST:PORT; write 127.0.0.1:6060", address)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%q can be reached from other machines; write 127.0.0.1:6060, and forward it with ssh -L", address)
}

// checkRelay refuses an address by which other servers cannot reach this one.
func checkRelay(text string) error {
	host, _, err := net.SplitHostPort(text)
	ip, wrong := netip.ParseAddr(host)
	if err != nil || wrong != nil || ip.IsUnspecified() {
		return fmt.Errorf("%q is no address that other servers reach; write the IP and port of this one, such as 10.0.0.7:2223", text)
	}
	return nil
}

// check notes errors in the section outgoing.
func (o Outgoing) check(p *problems) {
	if o.Proxy == "" {
		p.when(o.ProxyCredentials != "", "outgoing.proxyCredentials", "there is no outgoing.proxy that they are for")
		p.when(len(o.NoProxy) > 0, "outgoing.noProxy", "there is no outgoing.proxy to go without")
		return
	}
	p.add("outgoing.proxy", checkProxy(o.Proxy))
	for i, host := range o.NoProxy {
		p.when(strings.ContainsAny(host, "/ ,") && !isNetwork(host), entry("outgoing.noProxy", i),
			"entry %d is no host, .domain, address or network; write registry.internal, .svc or 10.0.0.0/8", i+1)
	}
}

func isNetwork(text string) bool {
	_, _, err := net.ParseCIDR(text)
	return err == nil
}

// checkProxy refuses an invalid address of a proxy, without repeating it: it may
// contain a password.
func checkProxy(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return errors.New("the value is no address of a proxy; write http://proxy.example.org:3128")
	case u.User != nil:
		return errors.New("there are credentials in the address; write them into a file, and its path into outgoing.proxyCredentials")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return errors.New("there is more in the value than scheme, host and port; write http://proxy.example.org:3128")
	}
	return nil
}

// Workers returns the maximum number of renderers: the lower of the two limits.
func (r Render) Workers() int {
	if r.MaxMemory == 0 {
		return r.MaxWorkers
	}
	return min(r.MaxWorkers, int(int64(r.MaxMemory)/worker.DefaultLimits.Memory))
}

// Advertised returns the configured address for clients.
func (c SSH) Advertised() sshd.Address {
	if c.Advertise == "" {
		return sshd.Address{}
	}
	address, _ := sshd.ParseAddress(c.Advertise) // check has parsed it
	return address
}

// Changed returns the settings whose values differ.
func Changed(before, after Config) []Setting {
	return slices.DeleteFunc(Table(), func(s Setting) bool {
		return format(s.field(&before)) == format(s.field(&after))
	})
}
