package manifest

// Limits of a file of manifests. The authors of a repository may have fewer rights than
// this server, so everything that costs memory or time has an upper bound
// (CVE-2019-11253, CVE-2022-31016: a small file that becomes huge, a huge file that is
// read to its end).
const (
	// MaxFileBytes bounds one file. The largest bundles that projects publish
	// (Prometheus operator, Argo CD) have 2 to 5 MB.
	MaxFileBytes = 8 << 20
	// MaxDocumentBytes bounds one document. The API server refuses requests
	// over 3 MiB, and a document is at least as long as the object in it.
	MaxDocumentBytes = 3 << 20
	// MaxDocuments bounds the documents and list items of one file.
	MaxDocuments = 10_000
	// MaxDepth bounds nesting. The deepest real objects, CRDs of CRD-like
	// resources, have about 50 levels.
	MaxDepth = 100
	// MaxNodes bounds the values of one file, those that aliases repeat
	// included. A 5 MB bundle of CRDs has about 150,000.
	MaxNodes = 1_000_000
	// MaxAliasNodes bounds the values of one file that aliases repeat
	// (CVE-2019-11253, "billion laughs").
	MaxAliasNodes = 100_000
	// MaxProblems bounds the problems of one file.
	MaxProblems = 100
)
