package meaning

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/pushboat/pushboat/internal/name"
)

// NameOf is the name of an app that is called as an object, which may have dots, and up to 253
// bytes: one that is too long ends in a hash instead.
func NameOf(object string) name.App {
	app := strings.ToLower(strings.ReplaceAll(object, ".", "-"))
	if len(app) > name.MaxApp {
		app = strings.TrimRight(app[:name.MaxApp-9], "-") + "-" + HashOf(app)
	}
	return name.App(app)
}

// HashOf is a short hash, of eight hexadecimal digits.
func HashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:8]
}
