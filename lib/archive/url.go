package archive

// ManifestURL names the manifest of a run, for people.
func (b *Bucket) ManifestURL(r Run) string { return b.url(r.manifestKey()) }

// FileURL names a file of a manifest, for people.
func (b *Bucket) FileURL(m *Manifest, f File) string { return b.url(m.place().dir() + f.Name) }
