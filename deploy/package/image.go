package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Images are written as the layout of the Open Container Initiative, a directory of JSON
// documents and one archive for each architecture, which skopeo copies to any registry:
// https://github.com/opencontainers/image-spec. They hold nothing but the program.

// imageUser is who the program runs as: nobody that a host knows.
const imageUser = "65532:65532"

const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// descriptor names a blob.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    map[string]string `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// images writes an image of each program, for all architectures.
func (r *release) images(context.Context) error {
	for _, program := range programs {
		if err := r.image(program); err != nil {
			return err
		}
	}
	return nil
}

// image writes the layout of a program's image.
func (r *release) image(program program) error {
	l := layout{filepath.Join(r.out, "oci", program.name)}
	if err := os.MkdirAll(filepath.Join(l.dir, "blobs", "sha256"), 0o755); err != nil {
		return err
	}
	var manifests []descriptor
	for _, p := range r.linux() {
		manifest, err := r.manifest(l, program, p)
		if err != nil {
			return err
		}
		manifests = append(manifests, manifest)
	}
	image, err := l.json(indexType, object{"schemaVersion": 2, "mediaType": indexType, "manifests": manifests})
	if err != nil {
		return err
	}
	image.Annotations = map[string]string{"org.opencontainers.image.ref.name": r.version}
	if err := l.file("index.json", object{"schemaVersion": 2, "manifests": []descriptor{image}}); err != nil {
		return err
	}
	return l.file("oci-layout", object{"imageLayoutVersion": "1.0.0"})
}

// manifest writes what belongs to one architecture.
func (r *release) manifest(l layout, program program, p platform) (d descriptor, err error) {
	var layer bytes.Buffer
	content := sha256.New()
	err = compress(&layer, func(w io.Writer) error {
		return writeTar(io.MultiWriter(w, content), r.time, []entry{{program.name, r.binary(p, program), 0o755}})
	})
	if err != nil {
		return d, err
	}
	labels := map[string]string{
		"org.opencontainers.image.title":       program.name,
		"org.opencontainers.image.description": program.description,
		"org.opencontainers.image.version":     r.version,
		"org.opencontainers.image.source":      "https://github.com/hubspoke/observability",
		"org.opencontainers.image.licenses":    "MIT",
	}
	config, err := l.json(configType, object{
		"created":      r.time,
		"os":           p.os,
		"architecture": p.arch,
		"config":       object{"User": imageUser, "Entrypoint": []string{"/" + program.name}, "Labels": labels},
		"rootfs":       object{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", content.Sum(nil))}},
		"history":      []object{{"created": r.time, "created_by": program.name + " " + r.version}},
	})
	if err != nil {
		return d, err
	}
	compressed, err := l.blob(layerType, layer.Bytes())
	if err != nil {
		return d, err
	}
	d, err = l.json(manifestType, object{
		"schemaVersion": 2, "mediaType": manifestType, "config": config, "layers": []descriptor{compressed},
		"annotations": labels,
	})
	d.Platform = map[string]string{"os": p.os, "architecture": p.arch}
	return d, err
}

// layout is the directory of an image.
type layout struct{ dir string }

// object is a JSON object; its members are written in the order of their names.
type object map[string]any

// json writes a blob of JSON.
func (l layout) json(mediaType string, content object) (descriptor, error) {
	data, err := json.Marshal(content)
	if err != nil {
		return descriptor{}, err
	}
	return l.blob(mediaType, data)
}

// blob writes a blob, which is named by its hash.
func (l layout) blob(mediaType string, data []byte) (descriptor, error) {
	sum := sha256.Sum256(data)
	name := hex.EncodeToString(sum[:])
	err := os.WriteFile(filepath.Join(l.dir, "blobs", "sha256", name), data, 0o644)
	return descriptor{MediaType: mediaType, Digest: "sha256:" + name, Size: len(data)}, err
}

// file writes a file of JSON.
func (l layout) file(name string, content object) error {
	data, err := json.Marshal(content)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(l.dir, name), data, 0o644)
}
