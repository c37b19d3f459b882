package metrics

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// This file makes the families of a scrape. A registry of Prometheus would make three times
// the garbage of it for each app: it copies, sorts and hashes the labels of every series, to
// find mistakes that a test finds here.

// gatherer reads the metrics of the table whenever it is asked. It implements
// prometheus.Gatherer.
type gatherer struct {
	sources Sources
	rows    []gathered
}

// gathered is a row of the table.
type gathered struct {
	Metric
	sorted []int            // the indexes of its labels, by the labels' names
	desc   *prometheus.Desc // of a histogram
}

func newGatherer(sources Sources) *gatherer {
	g := &gatherer{sources: sources}
	for _, m := range Table() {
		row := gathered{Metric: m, sorted: make([]int, len(m.Labels)), desc: prometheus.NewDesc(m.Name, m.Meaning, m.Labels, nil)}
		for i := range row.sorted {
			row.sorted[i] = i
		}
		slices.SortFunc(row.sorted, func(a, b int) int { return strings.Compare(m.Labels[a], m.Labels[b]) })
		g.rows = append(g.rows, row)
	}
	return g
}

// Gather implements prometheus.Gatherer.
func (g *gatherer) Gather() ([]*dto.MetricFamily, error) {
	s := newScrape(g.sources)
	seen := pairs{}
	var families []*dto.MetricFamily
	for i := range g.rows {
		if s.parts == nil && i >= len(ofServer) {
			break
		}
		family, err := g.rows[i].family(g.rows[i].read(s), seen)
		if err != nil {
			return nil, err
		}
		if len(family.Metric) > 0 {
			families = append(families, family)
		}
	}
	slices.SortFunc(families, byName)
	return families, nil
}

func byName(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) }

// pairs are the labels of a scrape: an app is in many series.
type pairs map[label]*dto.LabelPair

type label struct{ name, value string }

// of returns the pair of a label; both strings stay as they are.
func (p pairs) of(name, value *string) *dto.LabelPair {
	key := label{*name, *value}
	pair := p[key]
	if pair == nil {
		pair = &dto.LabelPair{Name: name, Value: value}
		p[key] = pair
	}
	return pair
}

// family makes the family of a row's samples. A sample with other labels than its metric has
// fails the scrape, and so a test.
func (row *gathered) family(samples []sample, seen pairs) (*dto.MetricFamily, error) {
	kind := map[Type]dto.MetricType{Counter: dto.MetricType_COUNTER, Gauge: dto.MetricType_GAUGE, Histogram: dto.MetricType_HISTOGRAM}[row.Type]
	family := &dto.MetricFamily{Name: &row.Name, Help: &row.Meaning, Type: &kind, Metric: make([]*dto.Metric, len(samples))}
	metrics, labels := make([]dto.Metric, len(samples)), make([]*dto.LabelPair, 0, len(samples)*len(row.sorted))
	for i := range samples {
		of := &samples[i]
		if len(of.labels) != len(row.Labels) {
			return nil, fmt.Errorf("%s has a series with %d labels, and should have %d", row.Name, len(of.labels), len(row.Labels))
		}
		for _, j := range row.sorted {
			if !utf8.ValidString(of.labels[j]) {
				return nil, fmt.Errorf("%s: the label %s is no text: %q", row.Name, row.Labels[j], of.labels[j])
			}
			labels = append(labels, seen.of(&row.Labels[j], &of.labels[j]))
		}
		metrics[i].Label = labels[len(labels)-len(row.sorted) : len(labels) : len(labels)]
		if err := row.set(&metrics[i], of); err != nil {
			return nil, err
		}
		family.Metric[i] = &metrics[i]
	}
	slices.SortFunc(family.Metric, byLabels)
	return family, nil
}

// set enters the value of a sample.
func (row *gathered) set(m *dto.Metric, of *sample) error {
	switch row.Type {
	case Histogram:
		made, err := prometheus.NewConstHistogram(row.desc, of.count, of.value, of.within, of.labels...)
		if err != nil {
			return err
		}
		return made.Write(m)
	case Counter:
		m.Counter = &dto.Counter{Value: &of.value}
	default:
		m.Gauge = &dto.Gauge{Value: &of.value}
	}
	return nil
}

// byLabels orders series, so that each scrape has them in the same order.
func byLabels(a, b *dto.Metric) int {
	for i := range min(len(a.Label), len(b.Label)) {
		if c := strings.Compare(a.Label[i].GetValue(), b.Label[i].GetValue()); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a.Label), len(b.Label))
}

// together are gatherers whose families have different names.
type together []prometheus.Gatherer

// Gather implements prometheus.Gatherer.
func (all together) Gather() ([]*dto.MetricFamily, error) {
	var families []*dto.MetricFamily
	for _, g := range all {
		found, err := g.Gather()
		if err != nil {
			return nil, err
		}
		families = append(families, found...)
	}
	slices.SortFunc(families, byName)
	return families, nil
}
