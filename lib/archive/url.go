package archive

// ManifestURL names the manifest of a run, for people.
func (b *Bucket) ManifestURL(r Run) string { return b.url(r.manifestKey()) }

// FileURL names file i of a manifest, for people.
func (b *Bucket) FileURL(m *Manifest, i int) string { return b.url(m.place().dir() + m.Files[i].Name) }
