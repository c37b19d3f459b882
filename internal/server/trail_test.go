package server

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/pushboat/pushboat/internal/access/keytest"
	"github.com/pushboat/pushboat/internal/access/rules"
)

// TestExpiredKeysAreNoted: each expired key is noted once, at its time: the key of an
// operator, and the key of an authority.
func TestExpiredKeysAreNoted(t *testing.T) {
	key := func(seed string) string { return keytest.Text(keytest.Signer(t, seed).PublicKey()) }
	tree := fstest.MapFS{}
	for name, text := range map[string]string{
		"operators/ana.yaml": "keys:\n- " + key("ana") + "\n- {key: " + key("old") + ", expires: 2026-11-29T12:00}\n- {key: " + key("new") + ", expires: 2026-11-29T12:02}\n",
		"access.yaml":        "rules: [{who: [ana], may: [admin]}]\n",
		"authorities.yaml":   "authorities: {corp: {keys: [{key: " + key("ca") + ", expires: 2026-11-29T12:00}], principals: []}}\n",
	} {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	now, problems := rules.Parse(tree)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	noon := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	events := expired(now, noon.Add(-time.Minute), noon)
	if len(events) != 2 || events[0].Operator != "ana" || events[0].Rule != "operators/ana.yaml:3" ||
		events[1].Authority != "corp" || events[1].Rule != "authorities.yaml:1" || events[1].Key == "" {
		t.Errorf("at noon, the trail has %+v", events)
	}
	if events := expired(now, noon, noon.Add(time.Minute)); len(events) != 0 {
		t.Errorf("a minute later, the trail has %+v", events)
	}
}
