package service

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// Files keeps users' files, and those their executions made: what is known of
// them in the store, their content apart.
type Files struct {
	Store    FileStore
	Contents store.Contents
	MaxBytes int64 // of one file
	Quota    store.FileQuota
	// Mine reports whether the contents are this database's alone, so that what
	// it does not know may be deleted. Nil: they are.
	Mine func(context.Context) (bool, error)

	uploads uploads
}

// FileStore is what is known of files, and of the executions that made some.
type FileStore interface {
	store.Files
	Execution(ctx context.Context, owner, id string) (*workflow.Execution, error)
}

const (
	maxFileName = 255
	octetStream = "application/octet-stream"
)

// FileView is a file of the user's.
type FileView struct {
	FileID    string    `json:"file_id"`
	Name      string    `json:"name"`
	MimeType  string    `json:"mime_type" jsonschema:"told from the content where that can be told"`
	Size      int64     `json:"size" jsonschema:"bytes"`
	SHA256    string    `json:"sha256" jsonschema:"of the content, in hex"`
	CreatedAt time.Time `json:"created_at"`
}

func fileView(f *store.File) *FileView {
	return &FileView{FileID: f.ID, Name: f.Name, MimeType: f.MimeType, Size: f.Size, SHA256: f.SHA256, CreatedAt: f.CreatedAt}
}

// UploadFileInput says what a file's content alone does not.
type UploadFileInput struct {
	Name string `json:"name,omitempty" jsonschema:"the file's name, where the upload itself does not say it"`
}

// FileRef names a file.
type FileRef struct {
	FileID string `json:"file_id"`
}

// Upload is a file on its way in.
type Upload struct {
	Name     string
	MimeType string    // as the sender has it; the content is believed before it
	Body     io.Reader // the content
	Size     int64     // as announced, -1 when it was not
	SHA256   string    // as announced, in hex; "" when it was not
}

func (s *Service) keeper() (*Files, error) {
	if s.Files == nil {
		return nil, workflow.Errorf(workflow.CodeUnsupported, "This server keeps no files.")
	}
	return s.Files, nil
}

// SaveFile keeps an upload, whole or not at all.
func (s *Service) SaveFile(ctx context.Context, u Upload) (v *FileView, err error) {
	err = s.Perform(ctx, "upload_file", UploadFileInput{Name: u.Name}, func(ctx context.Context) error {
		v, err = s.saveFile(ctx, u)
		return err
	})
	return v, err
}

func (s *Service) saveFile(ctx context.Context, u Upload) (*FileView, error) {
	fs, err := s.keeper()
	if err != nil {
		return nil, err
	}
	name, err := fileName(u.Name)
	if err != nil {
		return nil, err
	}
	most, leave, err := fs.begin(ctx, owner(ctx), u.Size)
	if err != nil {
		return nil, err
	}
	defer leave()
	f := &store.File{ID: uuid.Must(uuid.NewV7()).String(), OwnerID: owner(ctx), Name: name, CreatedAt: s.Now().UTC()}
	w, err := fs.Contents.Write(ctx, f.ID, u.Body, most)
	if err != nil {
		return nil, fs.tooLarge(err, most)
	}
	f.Size, f.SHA256, f.MimeType = w.Size, w.SHA256, mimeTypeOf(w.Head, name, u.MimeType)
	if u.SHA256 != "" && !strings.EqualFold(u.SHA256, w.SHA256) {
		err = workflow.Errorf(workflow.CodeInvalid, "the content's SHA-256 is %s, not the one announced; send the file again", w.SHA256).WithReason("checksum_mismatch")
	} else {
		err = fs.Store.CreateFile(ctx, f, fs.Quota)
	}
	if err != nil {
		return nil, errors.Join(err, fs.Contents.Delete(context.WithoutCancel(ctx), f.ID))
	}
	return fileView(f), nil
}

// begin takes a place for an upload, whose size is announced or -1, and says
// how large it may be; one that does not fit is refused before it is sent.
func (fs *Files) begin(ctx context.Context, owner string, announced int64) (most int64, leave func(), err error) {
	used, err := fs.Store.FileUsage(ctx, owner)
	if err != nil {
		return 0, nil, err
	}
	return fs.uploads.enter(owner, func(underWay store.FileUsage) (int64, error) { return fs.room(used, underWay, announced) })
}

// room is how large an upload may be next to what is kept and what is under way.
func (fs *Files) room(used, underWay store.FileUsage, announced int64) (int64, error) {
	most := fs.MaxBytes
	if announced > most {
		return 0, fs.tooLarge(workflow.Errorf(workflow.CodeTooLarge, "the file is larger than %d bytes", most), most)
	}
	q := fs.Quota
	if q.Count > 0 && used.Count >= q.Count || q.Bytes > 0 && announced > q.Bytes-used.Bytes {
		return 0, q.Exceeded()
	}
	left := q.Bytes - used.Bytes - underWay.Bytes
	if q.Count > 0 && used.Count+underWay.Count >= q.Count || q.Bytes > 0 && underWay.Count > 0 && left < max(announced, 1) {
		return 0, busy("your other uploads take the room that is left; try again when they are there")
	}
	if q.Bytes > 0 && left < most {
		most = max(left, 0)
	}
	if announced >= 0 {
		most = min(most, announced)
	}
	return most, nil
}

// tooLarge tells a file that is too large from one there is no room for.
func (fs *Files) tooLarge(err error, most int64) error {
	var e *workflow.Error
	if !errors.As(err, &e) || e.Code != workflow.CodeTooLarge {
		return err
	}
	if most < fs.MaxBytes {
		return fs.Quota.Exceeded()
	}
	e.Details = map[string]any{"limit_bytes": fs.MaxBytes}
	return e.WithReason("file_too_large")
}

// fileName is the last part of a name, without what does not belong in one.
func fileName(name string) (string, error) {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, name)
	name = strings.TrimSpace(path.Base("/" + strings.ReplaceAll(name, `\`, "/")))
	switch {
	case !utf8.ValidString(name):
		return "", workflow.Errorf(workflow.CodeInvalid, "name: must be UTF-8")
	case len(name) > maxFileName:
		return "", workflow.Errorf(workflow.CodeInvalid, "name: must not be longer than %d bytes", maxFileName)
	case name == "" || name == "/" || name == "." || name == "..":
		return "file", nil
	}
	return name, nil
}

// mimeTypeOf believes the content, then the name, then the sender.
func mimeTypeOf(head []byte, name, declared string) string {
	found, _, err := mime.ParseMediaType(http.DetectContentType(head))
	if err != nil {
		found = octetStream
	}
	vague := found == octetStream || found == "text/plain" || found == "text/xml" || found == "application/zip"
	if !vague {
		return found
	}
	for _, other := range []string{mime.TypeByExtension(strings.ToLower(path.Ext(name))), declared} {
		kind, _, err := mime.ParseMediaType(other)
		if err == nil && kind != octetStream && strings.Contains(kind, "/") && !strings.HasPrefix(kind, "multipart/") {
			return kind
		}
	}
	return found
}

// ListFilesInput narrows and pages the list of files.
type ListFilesInput struct {
	Query  string `json:"query,omitempty" jsonschema:"in the file's name"`
	Limit  int    `json:"limit,omitempty" default:"20" min:"1" max:"200"`
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the previous page"`
	Sort   string `json:"sort,omitempty" enum:"newest,oldest"`
}

// ListFilesOutput is a page of files, newest first.
type ListFilesOutput struct {
	Files      []FileView `json:"files"`
	UsedBytes  int64      `json:"used_bytes" jsonschema:"by all of your files"`
	UsedFiles  int        `json:"used_files"`
	QuotaBytes int64      `json:"quota_bytes,omitempty"`
	QuotaFiles int        `json:"quota_files,omitempty"`
	NextCursor string     `json:"next_cursor,omitempty"`
}

// ListFiles lists the caller's files.
func (s *Service) ListFiles(ctx context.Context, in ListFilesInput) (*ListFilesOutput, error) {
	fs, err := s.keeper()
	if err != nil {
		return nil, err
	}
	list, next, err := fs.Store.ListFiles(ctx, owner(ctx), in.Query, page(in.Limit, in.Cursor, in.Sort))
	if err != nil {
		return nil, err
	}
	used, err := fs.Store.FileUsage(ctx, owner(ctx))
	if err != nil {
		return nil, err
	}
	out := &ListFilesOutput{Files: make([]FileView, 0, len(list)), NextCursor: next, UsedBytes: used.Bytes, UsedFiles: used.Count,
		QuotaBytes: fs.Quota.Bytes, QuotaFiles: fs.Quota.Count}
	for _, f := range list {
		out.Files = append(out.Files, *fileView(f))
	}
	return out, nil
}

// DeletedFile says that a file is gone.
type DeletedFile struct {
	FileID  string `json:"file_id"`
	Deleted bool   `json:"deleted"`
}

// DeleteFile deletes a file of the caller's. Executions that were given it
// cannot read it any more.
func (s *Service) DeleteFile(ctx context.Context, in FileRef) (*DeletedFile, error) {
	fs, err := s.keeper()
	if err != nil {
		return nil, err
	}
	if err := fs.Store.DeleteFile(ctx, owner(ctx), in.FileID); err != nil {
		return nil, err
	}
	if err := fs.Contents.Delete(ctx, in.FileID); err != nil {
		s.Logger.WarnContext(ctx, "the content of a deleted file was left behind", "file_id", in.FileID, "error", err)
	}
	return &DeletedFile{FileID: in.FileID, Deleted: true}, nil
}

// Content is a file on its way out. The caller closes Body.
type Content struct {
	FileView
	Body io.ReadSeekCloser
}

// OpenFile returns a file of the caller's with its content.
func (s *Service) OpenFile(ctx context.Context, in FileRef) (content *Content, err error) {
	err = s.Perform(ctx, "download_file", in, func(ctx context.Context) error {
		content, err = s.openFile(ctx, in)
		return err
	})
	return content, err
}

func (s *Service) openFile(ctx context.Context, in FileRef) (*Content, error) {
	fs, err := s.keeper()
	if err != nil {
		return nil, err
	}
	f, err := fs.Store.File(ctx, owner(ctx), in.FileID)
	if err != nil {
		return nil, err
	}
	body, err := fs.Contents.Open(ctx, f.ID)
	if err != nil {
		return nil, err
	}
	return &Content{FileView: *fileView(f), Body: body}, nil
}

// binaries are the caller's files as files of an item, by property.
func (s *Service) binaries(ctx context.Context, ids map[string]string) (map[string]*workflow.Binary, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	fs, err := s.keeper()
	if err != nil {
		return nil, err
	}
	out := make(map[string]*workflow.Binary, len(ids))
	for property, id := range ids {
		f, err := fs.Store.File(ctx, owner(ctx), id)
		if workflow.CodeOf(err) == workflow.CodeNotFound {
			e := workflow.Errorf(workflow.CodeInvalid, "files.%s: you have no file %q; upload one with POST /api/app/files", property, id)
			e.Fields = []workflow.FieldError{{Field: "files." + property, Message: "is not a file of yours"}}
			return nil, e
		}
		if err != nil {
			return nil, err
		}
		kind, _, _ := strings.Cut(f.MimeType, "/")
		out[property] = &workflow.Binary{ID: f.ID, MimeType: f.MimeType, FileType: kind, FileName: f.Name,
			FileExtension: strings.TrimPrefix(strings.ToLower(path.Ext(f.Name)), "."), FileSize: strconv.FormatInt(f.Size, 10) + " B"}
	}
	return out, nil
}

// addFiles puts files of the caller's into the item the trigger emits.
func (s *Service) addFiles(ctx context.Context, start *workflow.Start, in ExecuteWorkflowInput) error {
	if len(in.Files) > 0 && in.StartFromNode != "" {
		return workflow.Errorf(workflow.CodeInvalid, "files: the data is that of the earlier execution, so files have no place here")
	}
	files, err := s.binaries(ctx, in.Files)
	if err != nil || files == nil {
		return err
	}
	if len(start.Items) == 0 {
		start.Items = []workflow.Item{{JSON: &workflow.Object{}}}
	}
	start.Items[0].Binary = files
	return nil
}

// ExecutionFileInput names a file among the items of an execution's node run.
type ExecutionFileInput struct {
	ExecutionID string `json:"execution_id"`
	Node        string `json:"node" jsonschema:"the node that put it out"`
	Run         int    `json:"run,omitempty" min:"0" jsonschema:"which of the node's runs, from 0"`
	Output      int    `json:"output,omitempty" min:"0"`
	Item        int    `json:"item,omitempty" min:"0"`
	Property    string `json:"property,omitempty" default:"data" jsonschema:"the file's name in the item"`
}

// OpenExecutionFile returns a file that a node of one of the caller's
// executions put out.
func (s *Service) OpenExecutionFile(ctx context.Context, in ExecutionFileInput) (content *Content, err error) {
	err = s.Perform(ctx, "download_execution_file", in, func(ctx context.Context) error {
		content, err = s.openExecutionFile(ctx, in)
		return err
	})
	return content, err
}

func (s *Service) openExecutionFile(ctx context.Context, in ExecutionFileInput) (*Content, error) {
	runs, err := s.Store.NodeRuns(ctx, owner(ctx), in.ExecutionID, in.Node)
	if err != nil {
		return nil, err
	}
	if in.Property == "" {
		in.Property = "data"
	}
	for _, r := range runs {
		if r.Run != in.Run || in.Output >= len(r.Main) || in.Item >= len(r.Main[in.Output]) {
			continue
		}
		if b := r.Main[in.Output][in.Item].Binary[in.Property]; b != nil {
			return s.binaryContent(ctx, b)
		}
	}
	return nil, workflow.Errorf(workflow.CodeNotFound, "There is no file %q in that item of the node %q.", in.Property, in.Node)
}

// binaryContent is an item's file with its content, from the store or from the
// item itself.
func (s *Service) binaryContent(ctx context.Context, b *workflow.Binary) (*Content, error) {
	name, err := fileName(b.FileName)
	if err != nil {
		name = "file"
	}
	c := &Content{FileView: FileView{Name: name, MimeType: b.MimeType}}
	if b.Data == "" && b.ID != "" {
		return s.keptContent(ctx, b.ID, c)
	}
	text := b.Data
	if strings.HasPrefix(text, "data:") {
		_, text, _ = strings.Cut(text, ",")
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, workflow.Wrap(workflow.CodeInvalid, err, "The file's content is not proper base64.")
	}
	c.Size, c.Body = int64(len(data)), inMemory{strings.NewReader(string(data))}
	return c, nil
}

type inMemory struct{ *strings.Reader }

func (inMemory) Close() error { return nil }

// rawRow declares a capability whose request or answer is not JSON: its door
// serves it by itself, under this row's rules.
func rawRow[In, Out any](c Capability) *Capability {
	c.Raw, c.RESTOnly = true, true
	return row(c, func(context.Context, In) (*Out, error) {
		return nil, workflow.Errorf(workflow.CodeInvalid, "%s is only there over HTTP, at its own address", c.Name)
	}, func(out *Out) string {
		data, err := json.Marshal(out)
		if err != nil {
			return ""
		}
		return string(data)
	})
}
