package dashboard

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
)

//go:embed static
var static embed.FS

// assets are the addresses of static files by name, with a part that changes with them.
var assets = func() map[string]string {
	all := map[string]string{}
	entries, err := fs.ReadDir(static, "static")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		content, err := static.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		all[e.Name()] = "/static/" + e.Name() + "?v=" + hex.EncodeToString(sum[:6])
	}
	return all
}()

func asset(name string) (string, error) {
	if assets[name] == "" {
		return "", fmt.Errorf("no static file %s", name)
	}
	return assets[name], nil
}

// serveStatic serves a static file, for ever if its address names its content.
func serveStatic(w http.ResponseWriter, r *http.Request) {
	if r.URL.RequestURI() == assets[r.PathValue("name")] {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeFileFS(w, r, static, "static/"+r.PathValue("name"))
}
