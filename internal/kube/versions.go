package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"google.golang.org/protobuf/encoding/protowire"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// Version identifies an object and its version. This is a fraction of the object's
// metadata, most of which is managedFields: decoding all of it was two thirds of the
// cost of a check that finds nothing (measured).
type Version struct {
	Namespace, Name string
	UID             types.UID
	ResourceVersion string

	encoded []byte // PartialObjectMetadata in protobuf, or
	decoded *metav1.PartialObjectMetadata
}

// Metadata decodes the rest of the object's metadata.
func (v Version) Metadata() (*metav1.PartialObjectMetadata, error) {
	if v.decoded != nil {
		return v.decoded, nil
	}
	m := &metav1.PartialObjectMetadata{}
	if err := m.Unmarshal(v.encoded); err != nil {
		return nil, fmt.Errorf("decode the metadata of %s: %w", v.Name, err)
	}
	return m, nil
}

// VersionList is one page of a list of versions.
type VersionList struct {
	Items           []Version
	ResourceVersion string // of the list
	Continue        string // names the next page; "" if there is none
}

// The forms in which metadata is requested. Not every API server has the first: those
// of extensions may support JSON only.
const acceptMetadataList = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1," +
	"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

// ListVersions lists the objects of a kind in all namespaces, with the version of each:
// one page of a list, in one request. The error is the server's.
func (c *Cluster) ListVersions(ctx context.Context, kind Kind, options metav1.ListOptions) (*VersionList, error) {
	at, err := listPath(kind.Resource, "")
	if err != nil {
		return nil, err
	}
	answer := c.requests.metadata.Get().
		AbsPath(at).
		SetHeader("Accept", acceptMetadataList).
		SetHeader("Accept-Encoding", "identity"). // unpacking it takes longer than reading it
		SpecificallyVersionedParams(&options, metav1.ParameterCodec, schema.GroupVersion{Version: "v1"}).
		Do(ctx)
	if err := answer.Error(); err != nil {
		return nil, err
	}
	data, err := answer.Raw()
	if err != nil {
		return nil, err
	}
	if list, ok := bytes.CutPrefix(data, protobufMagic); ok {
		return versionsOfProtobuf(list)
	}
	return versionsOfJSON(data)
}

// metadataClient makes the client of ListVersions and TryOut, which serves all kinds.
func metadataClient(cfg *rest.Config, client *http.Client) (*rest.RESTClient, error) {
	cfg = metadata.ConfigFor(cfg)
	cfg.GroupVersion = &schema.GroupVersion{}
	return rest.RESTClientForConfigAndClient(cfg, client)
}

func versionsOfJSON(data []byte) (*VersionList, error) {
	var page metav1.PartialObjectMetadataList
	if err := json.Unmarshal(data, &page); err != nil {
		return nil, fmt.Errorf("decode a list of metadata: %w", err)
	}
	list := &VersionList{ResourceVersion: page.ResourceVersion, Continue: page.Continue}
	for i := range page.Items {
		m := &page.Items[i]
		list.Items = append(list.Items, Version{
			Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion, decoded: m,
		})
	}
	return list, nil
}

// protobufMagic is the prefix of Kubernetes' protobuf encoding; a runtime.Unknown
// follows, with the object in it.
var protobufMagic = []byte("k8s\x00")

// The fields of the messages, whose numbers in generated.proto of apimachinery's
// pkg/runtime and pkg/apis/meta/v1 never change.
const (
	unknownRaw = 2

	listMetadata            = 1
	listItems               = 2
	listMetaResourceVersion = 2
	listMetaContinue        = 3

	objectMetadata            = 1
	objectMetaName            = 1
	objectMetaNamespace       = 3
	objectMetaUID             = 5
	objectMetaResourceVersion = 6
)

// versionsOfProtobuf reads the versions from the bytes after protobufMagic around a
// PartialObjectMetadataList. They refer to data, and keep it in memory.
func versionsOfProtobuf(data []byte) (list *VersionList, err error) {
	err = eachText(data, func(number protowire.Number, page []byte) error {
		if number != unknownRaw {
			return nil
		}
		list = &VersionList{}
		return list.read(page)
	})
	if err == nil && list == nil {
		err = errors.New("nothing in it")
	}
	if err != nil {
		return nil, fmt.Errorf("decode a list of metadata: %w", err)
	}
	return list, nil
}

func (l *VersionList) read(page []byte) error {
	return eachText(page, func(number protowire.Number, message []byte) error {
		switch number {
		case listMetadata:
			return l.readMeta(message)
		case listItems:
			v, err := versionOf(message)
			l.Items = append(l.Items, v)
			return err
		}
		return nil
	})
}

func (l *VersionList) readMeta(meta []byte) error {
	return eachText(meta, func(number protowire.Number, text []byte) error {
		switch number {
		case listMetaResourceVersion:
			l.ResourceVersion = string(text)
		case listMetaContinue:
			l.Continue = string(text)
		}
		return nil
	})
}

// versionOf reads the necessary part of a PartialObjectMetadata.
func versionOf(object []byte) (Version, error) {
	v := Version{encoded: object}
	return v, eachText(object, func(number protowire.Number, meta []byte) error {
		if number != objectMetadata {
			return nil
		}
		return eachText(meta, v.readField)
	})
}

func (v *Version) readField(number protowire.Number, text []byte) error {
	switch number {
	case objectMetaName:
		v.Name = string(text)
	case objectMetaNamespace:
		v.Namespace = string(text)
	case objectMetaUID:
		v.UID = types.UID(text)
	case objectMetaResourceVersion:
		v.ResourceVersion = string(text)
	}
	return nil
}

// eachText visits the fields of a message that are texts, bytes or messages themselves,
// and skips the others.
func eachText(message []byte, visit func(protowire.Number, []byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
				return protowire.ParseError(n)
			}
			message = message[n:]
			continue
		}
		text, n := protowire.ConsumeBytes(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := visit(number, text); err != nil {
			return err
		}
		message = message[n:]
	}
	return nil
}
