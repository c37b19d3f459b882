package rules

import "github.com/pushboat/pushboat/internal/access/glob"

// pattern names repositories, branches or paths.
type pattern = glob.Pattern

// maxPatterns bounds the patterns of one list.
const maxPatterns = 64
