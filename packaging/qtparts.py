"""Which parts of PySide6 are shipped: the lab's windows and its web view, and nothing that only the GPL allows.

The wheel `PySide6-Addons` holds 438 MB of libraries.  The lab needs its web view (and what that is made of); much of
the rest is not even offered under the LGPL (Qt Charts, Data Visualization, Graphs, Quick 3D, Network Authorization, …;
`docs/licences.md`).  `PySide6-Essentials` brings Qt's own tools for programmers, and Qt Quick, of which the web view
needs the core.  Kits and frozen labs leave the rest out by the rules below, which know the files of all three systems.
"""

from __future__ import annotations

import re

__all__ = ["unneeded"]

_MODULES = (
    "3D", "AxContainer", "Bluetooth", "CanvasPainter", "Charts", "Concurrent3D", "DataVisualization", "Graphs",
    "HttpServer", "Location", "Multimedia", "NetworkAuth", "Nfc", "Pdf", "Protobuf", "Quick3D", "QuickTimeline",
    "RemoteObjects", "Scxml", "Sensors", "SerialBus", "SerialPort", "ShaderTools", "SpatialAudio", "StateMachine",
    "TextToSpeech", "VirtualKeyboard", "WebSockets", "WebView", "Grpc",
)  # fmt: skip
_CORE_OF_QUICK = ("Quick", "QuickWidgets", "Qml", "QmlModels", "QmlMeta", "QmlWorkerScript")
"""The web view is linked with it."""
_BESIDE = ("Quick", "Qml", "Labs", "Designer", "Help", "UiTools", "WaylandCompositor", "WebEngineQuick",
           "WebChannelQuick")  # fmt: skip
_UNNEEDED = re.compile(
    rf"(^|/)(lib)?Qt6?({'|'.join(_MODULES)})\w*(\.|/|$)"  # libQt6Charts.so.6, QtCharts.pyd, Qt6Charts.dll, frameworks
    r"|(^|/)(lib)?(avcodec|avformat|avutil|swresample|swscale)[.-]"  # FFmpeg, for Multimedia only
    r"|/plugins/(assetimporters|canbus|geometryloaders|geoservices|multimedia|position|qmltooling|renderers|renderplugins"
    r"|sceneparsers|scxmldatamodel|sensors|sqldrivers|texttospeech|virtualkeyboard|opcua|webview)/"
    r"|/libexec/(?!QtWebEngineProcess)|/qml/|/metatypes/|/modules/\w+\.json$|/include/|/typesystems/|/glue/|/doc/|\.pyi$"
    rf"|(^|/)(lib)?Qt6?(?!({'|'.join(_CORE_OF_QUICK)})(\.|/|$))({'|'.join(_BESIDE)})\w*(\.|/|$)"
    r"|(^|/)PySide6/([Aa]ssistant|[Dd]esigner|[Ll]inguist|lupdate|lrelease|qml\w+|svgtoqml|balsam\w*|qsb)(\.|$)"
    r"|qtwebengine_devtools_resources(\.debug)?\.pak$|/translations/(?!.*\b(en|hi)\b).*\.(qm|pak)$"
)


def unneeded(name: str) -> bool:
    """Whether the file `name` (its path in a wheel of PySide6, with ``/``) is left out of what is shipped."""
    return _UNNEEDED.search(name) is not None
