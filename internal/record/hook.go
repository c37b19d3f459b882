package record

import (
	"github.com/pushboat/pushboat/internal/manifest"
)

// HookResult is how a hook went in a deploy.
type HookResult struct {
	Key     string           `json:"key"` // manifest.ID key of the written hook
	Phase   string           `json:"phase"`
	Result  manifest.HookEnd `json:"result"`
	Message string           `json:"message,omitempty"` // why it failed, or was not begun
	Seconds float64          `json:"seconds"`
	// Printed are its last lines, if it has succeeded. They are kept beside the record, for
	// those who may read the logs of containers; others, and Git, do not have them.
	Printed []string `json:"printed,omitempty"`
}
