{{- define "braze-cdi-exporter.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "braze-cdi-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "braze-cdi-exporter.labels" -}}
{{ include "braze-cdi-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "braze-cdi-exporter.metadata" -}}
name: {{ include "braze-cdi-exporter.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "braze-cdi-exporter.labels" . | nindent 2 }}
{{- end -}}

{{- define "braze-cdi-exporter.keys" -}}
{{- default (printf "%s-keys" (include "braze-cdi-exporter.fullname" .)) .Values.apiKeys.existingSecret -}}
{{- end -}}

{{- define "braze-cdi-exporter.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "braze-cdi-exporter.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- /* A shipped file, with the project's page in place of the address it was written with. */ -}}
{{- define "braze-cdi-exporter.shipped" -}}
{{- $text := .root.Files.Get .path -}}
{{- with .root.Values.projectUrl -}}
{{- $text = replace "https://github.com/braze-cdi-exporter/braze-cdi-exporter" (trimSuffix "/" .) $text -}}
{{- end -}}
{{- $text -}}
{{- end -}}
