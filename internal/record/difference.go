package record

// Difference is one field of an object that is not as the revision says. Its values are
// for reading: shortened, and with secrets masked.
type Difference struct {
	Field  string `json:"field"`            // a path as in plans: spec.replicas
	Found  string `json:"found,omitempty"`  // on the cluster; "" if the field was not there
	Wanted string `json:"wanted,omitempty"` // by the revision; "" if it has no such field
}
