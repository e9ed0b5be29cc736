//! The pusher's tables.

super::code_table! {
    /// What happens to a pusher, as its state event tells it.
    ///
    /// 1001 comes before 1002, and 1003 before 1007 before 1008; devices and connection open side by side, so the two
    /// chains interleave. A retry repeats 1001 and 1002 after its 1102.
    PusherCode, "pusher";

    /// TCP, and TLS where the address asks for it, is connected.
    Connected = 1001, Info, "connected to the server", "已经连接推流服务器";
    /// The server accepted the publication; the first media byte may go.
    Publishing = 1002, Info, "handshake with the server is done, pushing begins", "已经与服务器握手完毕,开始推流";
    /// A video source other than the screen opened and is streaming.
    CameraOpened = 1003, Info, "the video source is open", "打开摄像头成功";
    /// Screen capture started.
    ScreenCaptureStarted = 1004, Info, "screen capture started", "录屏启动成功";
    /// The bitrate controller changed the picture's size.
    ResolutionChanged = 1005, Info, "the resolution was adapted", "推流动态调整分辨率";
    /// The bitrate controller changed the bitrate.
    BitrateChanged = 1006, Info, "the bitrate was adapted", "推流动态调整码率";
    /// The first captured picture is there.
    FirstFrame = 1007, Info, "the first picture was captured", "首帧画面采集完成";
    /// The video encoder is open.
    EncoderStarted = 1008, Info, "the encoder started", "编码器启动";
    /// The camera cannot be opened (busy, gone, no such device), or was unplugged while running. In the latter case the
    /// sound goes on, if there is any, under the last picture.
    CameraOpenFailed = -1301, Error, "the camera cannot be opened", "打开摄像头失败";
    /// The microphone cannot be opened (busy, gone, no such device), or was unplugged while running.
    MicrophoneOpenFailed = -1302, Error, "the microphone cannot be opened", "打开麦克风失败";
    /// The video encoder cannot be opened or reopened.
    VideoEncoderFailed = -1303, Error, "the video cannot be encoded", "视频编码失败";
    /// The audio encoder cannot be opened or reopened.
    AudioEncoderFailed = -1304, Error, "the audio cannot be encoded", "音频编码失败";
    /// The device or the encoder does not do this size.
    UnsupportedResolution = -1305, Error, "the video resolution is not supported", "不支持的视频分辨率";
    /// The device or the encoder does not do this sampling rate.
    UnsupportedSampleRate = -1306, Error, "the audio sampling rate is not supported", "不支持的音频采样率";
    /// Every retry failed, or the server's refusal is final; the pusher is stopped.
    RetriesExhausted = -1307, Fatal, "the connection is lost and every retry failed; start again to try once more",
        "网络断连，且经多次重连抢救无效，更多重试请自行重启推流";
    /// Screen capture was refused.
    ScreenCaptureFailed = -1308, Error, "screen capture cannot start, it may have been refused",
        "开始录屏失败，可能是被用户拒绝";
    /// Screen capture is not supported here: there is no display.
    ScreenCaptureUnsupported = -1309, Error, "screen capture is not supported on this system",
        "录屏失败，不支持的Android系统版本，需要5.0以上的系统";
    /// The captured display or window is gone.
    ScreenCaptureInterrupted = -1310, Error, "screen capture was interrupted", "录屏被其他应用打断了";
    /// The microphone is open but gives no samples, or exact zeros though not muted.
    MicrophoneSilent = -1311, Error, "the microphone is open but gives no sound", "Android Mic打开成功，但是录不到音频数据";
    /// The captured display changed its size or rotation and capture could not follow.
    ScreenRotationFailed = -1312, Error, "screen capture cannot follow the change of orientation",
        "录屏动态切横竖屏失败";
    /// The uplink is too slow: media waits to be sent.
    UplinkCongested = 1101, Warning, "the network is poor: too little uplink bandwidth, media is held up",
        "网络状况不佳：上行带宽太小，上传数据受阻";
    /// The connection was lost, or the first connect failed: a retry begins.
    Reconnecting = 1102, Warning, "the connection is lost, reconnecting", "网络断连, 已启动自动重连";
    /// A hardware encoder refused to open or failed; software took over without a gap.
    HardwareEncoderFallback = 1103, Warning, "the hardware encoder failed, software encoding is used",
        "硬编码启动失败,采用软编码";
    /// One picture failed to encode; the encoder is reopened and the stream goes on.
    FrameEncodeFailed = 1104, Warning, "a picture could not be encoded", "视频编码失败";
    /// The preferred beauty stage failed or is too slow; a plainer one, or none, took over.
    BeautyFallback = 1105, Warning, "the preferred beauty stage failed, the plainer one is used",
        "新美颜软编码启动失败，采用老的软编码";
    /// The preferred software encoder failed or is too slow; the next one took over.
    SoftwareEncoderFallback = 1106, Warning, "the preferred software encoder failed, the plainer one is used",
        "新美颜软编码启动失败，采用老的软编码";
    /// The host name did not resolve.
    DnsFailed = 3001, Warning, "the server's name cannot be resolved", "RTMP -DNS解析失败";
    /// No address of the host accepted a connection, or TLS failed.
    ConnectFailed = 3002, Warning, "the connection to the server failed", "RTMP服务器连接失败";
    /// The byte handshake failed, or a step of the opening dialogue was not answered in time.
    HandshakeFailed = 3003, Warning, "the handshake with the server failed", "RTMP服务器握手失败";
    /// The server closed the connection or refused the publication.
    ServerClosed = 3004, Warning, "the server closed the connection; check the address and whether its token is still valid",
        "RTMP服务器主动断开，请检查推流地址的合法性或防盗链有效期";
    /// Reading or writing an open stream failed.
    IoFailed = 3005, Warning, "reading from or writing to the server failed", "RTMP 读/写失败";
}

super::code_table! {
    /// What the pusher's error event tells.
    ///
    /// The first two carry the specification's numbers; later versions of it number them 10001 and 10002, and those
    /// numbers are understood too.
    PusherErrorCode, "pusher error";

    /// The user, the operating system or the embedding application denied the camera.
    CameraDenied = 1001 | 10001, Error, "the use of the camera is denied", "用户禁止使用摄像头";
    /// The user, the operating system or the embedding application denied the microphone.
    MicrophoneDenied = 1002 | 10002, Error, "the use of the microphone is denied", "用户禁止使用录音";
    /// The background music cannot be loaded.
    BgmFailed = 10003, Error, "the background music cannot be loaded", "背景音资源（BGM）加载失败";
    /// The waiting image cannot be loaded.
    WaitingImageFailed = 10004, Error, "the waiting image cannot be loaded", "等待画面资源（waiting-image）加载失败";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specification_s_table_is_complete_and_in_its_order() {
        let numbers: Vec<i32> = PusherCode::ALL.iter().map(|code| code.number()).collect();
        let mut table: Vec<i32> = (1001..=1008).collect();
        table.extend((-1312..=-1301).rev());
        table.extend(1101..=1106);
        table.extend(3001..=3005);
        assert_eq!(numbers, table);
    }

    #[test]
    fn only_exhausted_retries_end_a_session() {
        let fatal: Vec<_> = PusherCode::ALL.iter().filter(|code| code.is_fatal()).collect();
        assert_eq!(fatal, [&PusherCode::RetriesExhausted]);
        assert!(PusherCode::Reconnecting.is_warning() && !PusherCode::Publishing.is_warning());
    }

    #[test]
    fn error_codes_answer_to_both_generations_of_numbers() {
        use PusherErrorCode::{BgmFailed, CameraDenied, MicrophoneDenied, WaitingImageFailed};
        for (number, code) in [
            (1001, CameraDenied),
            (1002, MicrophoneDenied),
            (10001, CameraDenied),
            (10002, MicrophoneDenied),
            (10003, BgmFailed),
            (10004, WaitingImageFailed),
        ] {
            assert_eq!(PusherErrorCode::try_from(number), Ok(code));
        }
        assert_eq!(CameraDenied.number(), 1001);
        assert_eq!(
            PusherErrorCode::try_from(1003).unwrap_err().to_string(),
            "\"1003\" is not a pusher error code"
        );
        assert_eq!(CameraDenied.to_string(), "1001 the use of the camera is denied");
    }
}
