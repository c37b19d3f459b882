package notify

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/record"
)

// noon is the time of the tests.
var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// rec is a record of the app shop that ended a minute before noon.
func rec(number int, result record.Result, cause record.Cause) record.Record {
	return record.Record{
		Suspension: &record.Suspension{By: "ben", Since: noon}, App: "shop", Number: number, Repo: "shop", Branch: "main", Cluster: "default", Revision: "3f2c1ab", Operator: "ana", Cause: cause,
		Result: result, Started: noon.Add(-2 * time.Minute), Seconds: 60,
	}
}

// saw is a look at the app shop with the given records, oldest first.
func saw(records ...record.Record) sight {
	s := sight{there: true, seen: true, records: records}
	s.status = deploy.Status{App: "shop", Repo: "shop", Branch: "main", Cluster: "default", Revision: "3f2c1ab", Sync: deploy.InSync}
	if len(records) > 0 {
		s.status.Last = &records[len(records)-1]
	}
	return s
}

func (s sight) sick(objects ...string) sight {
	for _, object := range objects {
		s.status.Sick = append(s.status.Sick, deploy.Symptom{Object: object, State: "failing", Cause: "ImagePullBackOff"})
	}
	return s
}

// keysOf are the keys of news, with what they end.
func keysOf(news []News) string {
	var keys []string
	for _, n := range news {
		key := n.Key
		if n.Ends != "" {
			key += "<" + n.Ends
		}
		keys = append(keys, key)
	}
	return strings.Join(keys, " ")
}

func TestRecordsAreNews(t *testing.T) {
	failed := map[rules.Topic]*open{rules.DeployFailed: {Key: "shop-1.deployFailed", Revision: "3f2c1ab", Told: []string{"ops"}}}
	for name, test := range map[string]struct {
		was  appState
		saw  sight
		want string
	}{
		"a deploy":              {appState{}, saw(rec(1, record.Deployed, record.CausePush)), "shop-1.deploySucceeded"},
		"a deploy that is told": {appState{Deploy: 1}, saw(rec(1, record.Deployed, record.CausePush)), ""},
		"several":               {appState{}, saw(rec(1, record.Failed, record.CausePush), rec(2, record.Deployed, record.CausePush)), "shop-1.deployFailed shop-2.deploySucceeded<shop-1.deployFailed"},
		"not healthy in time":   {appState{}, saw(rec(1, record.Unhealthy, record.CausePush)), "shop-1.deployFailed"},
		"a retry that fails again": {
			appState{Deploy: 1, Open: failed}, saw(rec(2, record.Failed, record.CauseRetry)), "",
		},
		"a retry that succeeds": {
			appState{Deploy: 1, Open: failed}, saw(rec(2, record.Deployed, record.CauseRetry)), "shop-2.deploySucceeded<shop-1.deployFailed",
		},
		"a sync that fails again": {
			appState{Deploy: 1, Open: failed}, saw(rec(2, record.Failed, record.CauseSync)), "shop-2.deployFailed<shop-1.deployFailed",
		},
		"waits for a window":     {appState{}, saw(rec(1, record.Waiting, record.CausePush)), "shop-1.deployHeld"},
		"suspended by a verb":    {appState{}, saw(rec(1, record.Suspended, record.CauseSuspend)), ""},
		"pushed while suspended": {appState{}, saw(rec(1, record.Suspended, record.CausePush)), "shop-1.deployHeld"},
		"overtaken":              {appState{}, saw(rec(1, record.Superseded, record.CausePush)), ""},
		"corrected":              {appState{}, saw(rec(1, record.Corrected, record.CauseDrift)), ""},
		"its records count anew": {appState{Deploy: 7}, saw(rec(1, record.Deployed, record.CausePush)), ""},
		"it is gone":             {appState{Deploy: 1, Open: failed}, sight{}, "shop-1.deployFailed.ended<shop-1.deployFailed"},
		"it was removed":         {appState{Deploy: 1, Open: failed}, saw(rec(2, record.Removed, record.CausePush)), "shop-1.deployFailed.ended<shop-1.deployFailed"},
		"another revision by itself": {
			appState{Deploy: 1, Open: map[rules.Topic]*open{rules.DeployFailed: {Key: "shop-1.deployFailed", Revision: "0000000"}}},
			saw(rec(2, record.Failed, record.CauseWindow)), "shop-2.deployFailed<shop-1.deployFailed",
		},
	} {
		d := decide(test.was, test.saw, noon.Add(-time.Hour), noon)
		if got := keysOf(d.news); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
		if again := decide(d.state, test.saw, noon.Add(-time.Hour), noon); len(again.news) > 0 {
			t.Errorf("%s: told twice: %q", name, keysOf(again.news))
		}
	}
	if d := decide(appState{}, saw(rec(1, record.Failed, record.CausePush)), noon, noon); len(d.news) > 0 || d.state.Deploy != 1 {
		t.Errorf("before anybody was told anything: %q, state %+v", keysOf(d.news), d.state)
	}
	if len(failed) != 1 {
		t.Error("a decision has changed the state that it was made of")
	}
}

func TestSuccessIsToldToThoseWhoHeardOfTheFailure(t *testing.T) {
	was := appState{Deploy: 1, Open: map[rules.Topic]*open{
		rules.DeployFailed: {Key: "shop-1.deployFailed", Told: []string{"ops"}}, rules.AppFailing: {Key: "shop.appFailing.1", Told: []string{"ben"}},
	}}
	d := decide(was, saw(rec(2, record.Deployed, record.CausePush)), noon.Add(-time.Hour), noon)
	if len(d.news) != 1 || !slices.Equal(d.news[0].Told, []string{"ben", "ops"}) || len(d.state.Open) > 0 {
		t.Errorf("news %+v, open %v", d.news, slices.Collect(maps.Keys(d.state.Open)))
	}
}

// What stands is told when it has stood for a while, and when it is over; in between it is
// told to nobody.
func TestFailingOpensAndHealthyCloses(t *testing.T) {
	d := decide(appState{}, saw().sick("Deployment shop/web", "Deployment shop/api"), noon, noon)
	if len(d.news) > 0 || d.again != settle {
		t.Fatalf("at once: %q, again in %s", keysOf(d.news), d.again)
	}
	if short := decide(d.state, saw(), noon, noon.Add(settle/2)); len(short.news) > 0 || len(short.state.first) > 0 {
		t.Errorf("it was short: %q, %v", keysOf(short.news), short.state.first)
	}
	d = decide(d.state, saw().sick("Deployment shop/web", "Deployment shop/api"), noon, noon.Add(settle))
	if keysOf(d.news) != "shop.appFailing.1" || d.news[0].Title != "shop: not healthy: Deployment shop/web: failing: ImagePullBackOff" || !strings.Contains(d.news[0].Detail, "shop/api") {
		t.Fatalf("failing: %+v", d.news)
	}
	d.state.Open[rules.AppFailing].Told = []string{"ops"}
	if still := decide(d.state, saw().sick("Deployment shop/web"), noon, noon.Add(time.Hour)); len(still.news) > 0 {
		t.Errorf("while it stands: %q", keysOf(still.news))
	}
	unseen := saw()
	unseen.seen = false
	if blind := decide(d.state, unseen, noon, noon.Add(time.Hour)); len(blind.news) > 0 {
		t.Errorf("while nobody sees its objects: %q", keysOf(blind.news))
	}
	away := saw()
	away.status.Outage = &deploy.Outage{Unreachable: true}
	if blind := decide(d.state, away, noon, noon.Add(time.Hour)); len(blind.news) > 0 {
		t.Errorf("while its cluster is away: %q", keysOf(blind.news))
	}
	d = decide(d.state, saw(), noon, noon.Add(time.Hour))
	if keysOf(d.news) != "shop.appFailing.1.ended<shop.appFailing.1" || !slices.Equal(d.news[0].Told, []string{"ops"}) || d.news[0].Title != "shop: healthy again" {
		t.Errorf("healthy: %+v", d.news)
	}
	d = decide(d.state, saw().sick("Deployment shop/web"), noon, noon)
	d = decide(d.state, saw().sick("Deployment shop/web"), noon, noon.Add(settle))
	if keysOf(d.news) != "shop.appFailing.2" {
		t.Errorf("the next time: %q", keysOf(d.news))
	}
}

// A failed deploy says that objects are not healthy.
func TestUnhealthyDeployIsOneThing(t *testing.T) {
	last := rec(1, record.Unhealthy, record.CausePush)
	d := decide(appState{}, saw(last).sick("Deployment shop/web"), noon.Add(-time.Hour), noon)
	d = decide(d.state, saw(last).sick("Deployment shop/web"), noon.Add(-time.Hour), noon.Add(time.Hour))
	if len(d.news) > 0 {
		t.Errorf("told %q as well", keysOf(d.news))
	}
}

func TestDriftAndGrants(t *testing.T) {
	drifted, fights, held := saw(), saw(), saw()
	drifted.status.Sync, drifted.status.Found = deploy.Drifted, []deploy.Difference{{Object: "ConfigMap shop/web", What: "data.colour was changed"}}
	fights.status.Sync, fights.status.Fights = deploy.Drifted, []deploy.Contest{{Object: "Deployment shop/web", With: "hpa", Times: 4}}
	held.status.Forbidden = "namespace kube-system"
	for name, test := range map[string]struct {
		saw         sight
		settles     bool
		begin, over string
	}{
		"drift":   {drifted, true, "shop: drifted, and not corrected: ConfigMap shop/web data.colour was changed", "shop: in sync again"},
		"a fight": {fights, true, "shop: Deployment shop/web is changed again by hpa after each correction, 4 times", "shop: nobody changes it again any more"},
		"a grant": {held, false, "shop: held by the grant of its repository: neither deployed nor corrected", "shop: no longer held by the grant of its repository"},
	} {
		d := decide(appState{}, test.saw, noon, noon)
		if len(d.news) == 0 != test.settles {
			t.Errorf("%s: at once: %q", name, keysOf(d.news))
		}
		if test.settles {
			d = decide(d.state, test.saw, noon, noon.Add(settle))
		}
		if len(d.news) != 1 || d.news[0].Title != test.begin {
			t.Errorf("%s: began with %+v", name, d.news)
		}
		d = decide(d.state, saw(), noon, noon.Add(time.Hour))
		if len(d.news) != 1 || d.news[0].Title != test.over {
			t.Errorf("%s: ended with %+v", name, d.news)
		}
	}
}

func TestDetailsAreBounded(t *testing.T) {
	objects := make([]string, 1000)
	for i := range objects {
		objects[i] = "Deployment shop/" + strings.Repeat("é", 20)
	}
	d := decide(appState{first: map[rules.Topic]time.Time{rules.AppFailing: noon}}, saw().sick(objects...), noon, noon.Add(settle))
	if len(d.news) != 1 || len(d.news[0].Detail) > maxDetail+len("…") {
		t.Errorf("the detail has %d bytes", len(d.news[0].Detail))
	}
}

func TestThings(t *testing.T) {
	known := map[string]*thingState{}
	away := clustersAway([]deploy.Outage{{Cluster: "prod", Unreachable: true, Error: "refused"}, {Cluster: "eu", Error: "one kind"}})
	if len(away) != 1 {
		t.Fatalf("away are %+v", away)
	}
	news, changed, again := decideThings(known, away, noon)
	if len(news)+len(changed) > 0 || again != settle {
		t.Fatalf("at once: %+v, again in %s", news, again)
	}
	news, changed, _ = decideThings(known, away, noon.Add(settle))
	if keysOf(news) != "cluster/prod.1" {
		t.Fatalf("then: %+v", news)
	}
	maps.Copy(known, changed)
	known["cluster/prod"].Open.Told = []string{"ops"}
	if news, _, _ = decideThings(known, away, noon.Add(time.Hour)); len(news) > 0 {
		t.Errorf("while it stands: %+v", news)
	}
	news, changed, _ = decideThings(known, nil, noon.Add(time.Hour))
	if keysOf(news) != "cluster/prod.1.ended<cluster/prod.1" || !slices.Equal(news[0].Told, []string{"ops"}) || changed["cluster/prod"].Begun != 1 {
		t.Errorf("back: %+v, %+v", news, changed)
	}
	maps.Copy(known, changed)
	if news, changed, _ = decideThings(known, nil, noon.Add(2*time.Hour)); len(news)+len(changed) > 0 {
		t.Errorf("for ever after: %+v, %+v", news, changed)
	}
}

func TestMirrorsAway(t *testing.T) {
	list := []Silent{
		{Repo: "shop", Since: noon.Add(-silentLong), Error: "upstream\nanswers 503"},
		{Repo: "team/blog", Remote: "github", Since: noon.Add(-time.Hour)},
		{Repo: "docs", Since: noon.Add(-time.Minute)},
		{Repo: "zoo", Since: noon},
	}
	away, again := mirrorsAway(list, noon)
	if len(away) != 2 || again != silentLong-time.Minute || away[0].news.Title != "the upstream of shop does not answer" || away[0].news.Repo != "shop" {
		t.Fatalf("away are %+v, again in %s", away, again)
	}
	known := map[string]*thingState{}
	news, changed, _ := decideThings(known, away, noon)
	if keysOf(news) != "upstream/shop.1 remote/github/team/blog.1" {
		t.Fatalf("news: %s", keysOf(news))
	}
	maps.Copy(known, changed)
	news, _, _ = decideThings(known, away[:1], noon.Add(time.Hour))
	if len(news) != 1 || news[0].Repo != "team/blog" || !strings.HasPrefix(news[0].Title, "the remote github of team/blog answers again, or is none any more, after") {
		t.Errorf("over: %+v", news)
	}
	if none, again := mirrorsAway(nil, noon); none != nil || again != 0 {
		t.Errorf("of none: %+v, %s", none, again)
	}
}

// TestDeploysOfTheSameSecond: records have their beginning in whole seconds, so a deploy that ends in
// the second in which somebody is to be told is news.
func TestDeploysOfTheSameSecond(t *testing.T) {
	noon := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for seconds, test := range map[float64]struct {
		at   time.Duration
		want bool
	}{
		0.05: {400 * time.Millisecond, false},
		0.95: {time.Second, true},
		1.5:  {1900 * time.Millisecond, false},
		2:    {1900 * time.Millisecond, false},
		0.1:  {time.Minute, true},
	} {
		if got := endedBefore(record.Record{Started: noon, Seconds: seconds}, noon.Add(test.at)); got != test.want {
			t.Errorf("one of %g s, %s later: %v", seconds, test.at, got)
		}
	}
}
