package fleet

// Configured returns the names of the clusters of the configuration.
func (f *Fleet) Configured() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := make([]string, len(f.configured))
	for i, m := range f.configured {
		names[i] = m.Name
	}
	return names
}
