package health

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func fromLibrary(gk schema.GroupKind) *judge { return nil }
