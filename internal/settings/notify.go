package settings

import (
	"errors"
	"net/netip"
)

// check notes mistakes in the section notify.
func (n Notify) check(p *problems) {
	checkNetworks(p, "notify.networks", n.Networks)
}

// check notes mistakes in the section mirror.
func (m Mirror) check(p *problems) { checkNetworks(p, "mirror.networks", m.Networks) }

func checkNetworks(p *problems, setting string, networks []string) {
	for i, text := range networks {
		_, err := parseNetwork(text)
		p.when(err != nil, entry(setting, i), "entry %d is no address or network; write 10.20.0.0/16 or 192.168.1.7", i+1)
	}
}

// Prefixes are the networks that may be reached although they are not public. The settings
// have been checked.
func (n Notify) Prefixes() []netip.Prefix { return prefixes(n.Networks) }

// Prefixes are the networks that upstreams may be in although they are not public. The
// settings have been checked.
func (m Mirror) Prefixes() []netip.Prefix { return prefixes(m.Networks) }

func prefixes(texts []string) (networks []netip.Prefix) {
	for _, text := range texts {
		if network, err := parseNetwork(text); err == nil {
			networks = append(networks, network)
		}
	}
	return networks
}

// parseNetwork reads a network, or an address, which is a network of one.
func parseNetwork(text string) (netip.Prefix, error) {
	if network, err := netip.ParsePrefix(text); err == nil {
		if network.Addr().Is4In6() {
			return netip.Prefix{}, errMapped
		}
		return network.Masked(), nil
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	address = address.Unmap().WithZone("")
	return netip.PrefixFrom(address, address.BitLen()), nil
}

// errMapped is of a network that no address is in: those of IPv4 are compared as such.
var errMapped = errors.New("a network of IPv4 is written as such")
