package metrics

import "github.com/pushboat/pushboat/internal/mirror"

// ofMirrors are the metrics of repositories that are fetched from elsewhere, or sent there.
var ofMirrors = []Metric{
	{
		Name: "pushboat_mirror_away", Type: Gauge, Labels: with("repository remote"),
		Meaning: "1 if the upstream of a mirror, or a remote, could not be asked the last time, else 0. remote is empty for an upstream.",
		read:    ofEachMirror(func(m mirror.Standing) float64 { return truth(m.Trouble != nil) }),
	},
	{
		Name: "pushboat_mirror_stuck", Type: Gauge, Labels: with("repository remote"),
		Meaning: "Branches of an upstream that the gate refuses, or refs that a remote has not as they are here: it has moved on, or does not take them.",
		read:    ofEachMirror(func(m mirror.Standing) float64 { return float64(m.Stuck) }),
	},
}

func ofEachMirror(figure func(mirror.Standing) float64) func(*scrape) []sample {
	return func(s *scrape) (samples []sample) {
		for _, m := range s.mirrors() {
			samples = append(samples, value(figure(m), string(m.Repo), m.Remote))
		}
		return samples
	}
}
