package metrics

import "github.com/pushboat/pushboat/internal/notify"

// ofNotifications are the metrics of who is told what. Receivers are those of the rules.
var ofNotifications = []Metric{
	{
		Name: "pushboat_notifications_total", Type: Counter, Labels: with("receiver outcome"),
		Meaning: "Messages to receivers, by outcome: sent, failed (a try that the receiver did not take; the message is tried again), dropped (given up: refused, a day old, or more than the queue has room for).",
		read: ofEachReceiver(func(r notify.ReceiverState) []sample {
			return []sample{value(float64(r.Sent), r.Name, "sent"), value(float64(r.Failed), r.Name, "failed"), value(float64(r.Dropped), r.Name, "dropped")}
		}),
	},
	{
		Name: "pushboat_notifications_queued", Type: Gauge, Labels: with("receiver state"),
		Meaning: "Messages in the outbox, by state: due, and waiting (for a quiet time to end, or to be gathered with more).",
		read: ofEachReceiver(func(r notify.ReceiverState) []sample {
			return []sample{value(float64(r.Queued-r.Waiting), r.Name, "due"), value(float64(r.Waiting), r.Name, "waiting")}
		}),
	},
	{
		Name: "pushboat_notifications_failing", Type: Gauge, Labels: with("receiver"),
		Meaning: "1 if the receiver has taken no message since one failed, else 0.",
		read: ofEachReceiver(func(r notify.ReceiverState) []sample {
			return []sample{value(truth(!r.Since.IsZero()), r.Name)}
		}),
	},
	{
		Name: "pushboat_notifications_broken", Type: Gauge,
		Meaning: "1 if the outbox cannot be used, so that nobody is told anything, else 0.",
		read: func(s *scrape) []sample {
			_, trouble := s.told()
			return []sample{value(truth(trouble != ""))}
		},
	},
}

func ofEachReceiver(figures func(notify.ReceiverState) []sample) func(*scrape) []sample {
	return func(s *scrape) (samples []sample) {
		receivers, _ := s.told()
		for _, receiver := range receivers {
			samples = append(samples, figures(receiver)...)
		}
		return samples
	}
}
